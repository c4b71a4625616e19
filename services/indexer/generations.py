"""Index generations: one is requested and built beside the others, queries move to it whole, and back, and what is done with is dropped."""

from dataclasses import dataclass
from datetime import timedelta

import asyncpg
import structlog

from contracts.codec import Received
from contracts.generations import GenerationRequestedV1, RetirementRequestedV1, SwapRequestedV1
from kit.clock import Clock
from kit.effects import Effect
from kit.errors import Rejected
from kit.periodic import periodically
from services.indexer.generation_store import GenerationStore
from services.indexer.indexes import Indexes

log = structlog.get_logger(__name__)

# A swap whose target has not caught up by then is withdrawn: meanwhile a version must be whole in both to become visible.
PATIENCE = timedelta(minutes=10)
# Longer than rag keeps the pointer, and than any question takes that began with it.
DROPPED_AFTER = timedelta(minutes=1)
_PERIOD_S = 0.5


@dataclass(frozen=True, slots=True)
class Generations:
    """The verbs of generations. Each works alone, so that requests and the moment of a swap have one order."""

    store: GenerationStore
    indexes: Indexes
    clock: Clock
    patience: timedelta = PATIENCE
    dropped_after: timedelta = DROPPED_AFTER

    async def request(self, event: Received[GenerationRequestedV1]) -> None:
        """Handles a request for a generation; again is harmless. Raises Rejected if the name has other recipes."""
        asked = event.data
        async with self.store.effects.once(event) as effect:
            await self.store.alone(effect)
            known = await self.store.get(asked.generation, effect)
            if known is None:
                await self.store.add(effect, asked)
            elif (known["embedding"], known["chunker"]) != (asked.embedding.model_dump(), asked.chunker.model_dump()):
                raise Rejected("generation_taken", f"{asked.generation} is another index already; choose another name")
        log.info("generation.requested", generation=asked.generation)

    async def swap(self, event: Received[SwapRequestedV1]) -> None:
        """Handles a request to move queries; to where they are, it withdraws another. Raises Rejected if that index is not there."""
        async with self.store.effects.once(event) as effect:
            await self.store.alone(effect)
            target = await self._live(effect, event.data.generation)
            await self.store.withdraw(effect)
            if target["state"] != "active":
                await self.store.want(effect, target["generation"])
        await self.move()

    async def retire(self, event: Received[RetirementRequestedV1]) -> None:
        """Handles a request to end a generation. Raises Rejected if queries use it, or are to."""
        async with self.store.effects.once(event) as effect:
            await self.store.alone(effect)
            known = await self._live(effect, event.data.generation)
            if known["state"] == "active" or known["wanted_at"]:
                raise Rejected("generation_in_use", f"queries use {event.data.generation}, or are to; swap to another one first")
            await self.store.retire(effect, event.data.generation)
        log.info("generation.retired", generation=event.data.generation)

    async def move(self) -> None:
        """Moves queries to the generation that is wanted once it has all that they can see, or withdraws it when its time is over."""
        wanted = await self.store.wanted(self.patience.total_seconds())
        if wanted is None or (wanted.behind and not wanted.overdue):
            return
        async with self.store.effects.caused_by(None) as effect:
            await self.store.alone(effect)
            now = await self.store.wanted(self.patience.total_seconds(), effect)
            if now is None or (now.behind and not now.overdue):
                return
            await (self.store.withdraw(effect) if now.behind else self.store.activate(effect, now.generation))
        log.info("generation.withdrawn" if now.behind else "generation.activated", generation=now.generation, behind=now.behind)

    async def drop_retired(self) -> None:
        """Removes the collections that nobody can be asking any more."""
        for generation in await self.store.due(self.dropped_after.total_seconds()):
            await self.indexes.drop(generation)
            await self.store.dropped(generation)
            log.info("generation.dropped", generation=generation)

    async def run(self) -> None:
        """Moves queries and drops collections when it is time, until cancelled."""
        await periodically("generations", self._look, _PERIOD_S, self.clock)

    async def _look(self) -> None:
        await self.move()
        await self.drop_retired()

    async def _live(self, effect: Effect, generation: str) -> asyncpg.Record:
        known = await self.store.get(generation, effect)
        if known is None or known["state"] in ("retired", "dropped"):
            raise Rejected("generation_unknown", f"there is no index generation {generation!r}, or not any more")
        return known
