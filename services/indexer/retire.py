"""Removes the points of versions that no search may find any more. What is to go is written with the effect, so a crash only delays it."""

from dataclasses import dataclass

import asyncpg
import structlog

from kit.clock import Clock
from kit.errors import DependencyDown
from kit.ports.vectors import VectorStore
from services.indexer.store import Store

log = structlog.get_logger(__name__)

_PERIOD_S = 30.0


@dataclass(frozen=True, slots=True)
class Retire:
    """Works off the retirements."""

    store: Store
    vectors: VectorStore
    clock: Clock

    async def once(self) -> int:
        """Removes all that is due and returns the number of documents; what fails stays due."""
        done = 0
        for retirement in await self.store.due():
            await self.vectors.remove(retirement.document_id, retirement.below)
            await self.store.gone(retirement)
            done += 1
        return done

    async def run(self) -> None:
        """Does so every 30 seconds until cancelled."""
        while True:
            try:
                await self.once()
            except (DependencyDown, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
                log.warning("retire.waits", reason=str(error))
            await self.clock.sleep(_PERIOD_S)
