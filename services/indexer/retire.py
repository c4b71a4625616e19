"""Removes the points of versions that no search may find any more. What is to go is written with the effect, so a crash only delays it."""

from dataclasses import dataclass

from kit.clock import Clock
from kit.periodic import periodically
from services.indexer.indexes import Indexes
from services.indexer.store import Store

_PERIOD_S = 30.0


@dataclass(frozen=True, slots=True)
class Retire:
    """Works off the retirements."""

    store: Store
    indexes: Indexes
    clock: Clock

    async def once(self) -> int:
        """Removes all that is due and returns the number of documents; what fails stays due."""
        done = 0
        for retirement in await self.store.due():
            for vectors in await self.indexes.live():
                await vectors.remove(retirement.document_id, retirement.below)
            await self.store.gone(retirement)
            done += 1
        return done

    async def run(self) -> None:
        """Does so every 30 seconds until cancelled; waits while Postgres or the vector store is away."""
        await periodically("retire", self.once, _PERIOD_S, self.clock)
