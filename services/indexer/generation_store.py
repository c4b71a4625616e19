"""What indexer remembers of index generations: their recipes, which one is active, and which one is to be."""

from dataclasses import dataclass, replace

import asyncpg

from contracts.chunks import ChunksEmbeddedV1
from contracts.documents import DocumentIndexedV1
from contracts.generations import GenerationRequestedV1
from kit.effects import Effect, Effects
from kit.postgres import load_queries
from services.indexer.store import generation_of


@dataclass(frozen=True, slots=True)
class Wanted:
    """The generation that queries are to move to: it lacks `behind` visible documents; `overdue` if it has had its time."""

    generation: str
    overdue: bool
    behind: int


class GenerationStore:
    """The generations of the `indexer` schema. Methods that take an effect write in its transaction."""

    def __init__(self, effects: Effects) -> None:
        self.effects = effects
        self._pool: asyncpg.Pool = effects.pool
        self._queries = load_queries("indexer")

    async def alone(self, effect: Effect) -> None:
        """Waits until no other transaction makes a version visible or works on generations; none does until this one ends."""
        await self._queries.lock_generations(effect.connection)

    async def get(self, generation: str, effect: Effect | None = None) -> asyncpg.Record | None:
        """A generation, or None."""
        return await self._queries.get_generation(effect.connection if effect else self._pool, generation=generation)

    async def live(self) -> list[asyncpg.Record]:
        """Those that documents are indexed for."""
        return [row async for row in self._queries.live_generations(self._pool)]

    async def name_model(self, batch: ChunksEmbeddedV1) -> None:
        """Keeps the model of a generation's first batch."""
        model = {"embedding_model": batch.embedding_model, "dimensions": batch.dimensions}
        await self._queries.name_model(self._pool, generation=generation_of(batch), **model)

    async def add(self, effect: Effect, request: GenerationRequestedV1) -> None:
        """Keeps a new generation."""
        recipes = {"embedding": request.embedding.model_dump(), "chunker": request.chunker.model_dump()}
        await self._queries.add_generation(effect.connection, generation=request.generation, **recipes)

    async def withdraw(self, effect: Effect) -> None:
        """Lets queries stay where they are, and makes visible what waited for the generation that was wanted."""
        await self._queries.withdraw(effect.connection)
        await self._reveal(effect)

    async def want(self, effect: Effect, generation: str) -> None:
        """Says which generation queries are to move to, after `withdraw`."""
        await self._queries.want(effect.connection, generation=generation)

    async def wanted(self, patience_s: float, effect: Effect | None = None) -> Wanted | None:
        """The generation that queries are to move to, if any."""
        row = await self._queries.wanted(effect.connection if effect else self._pool, patience_s=patience_s)
        return Wanted(**row) if row else None

    async def activate(self, effect: Effect, generation: str) -> None:
        """Lets queries use this generation, and makes visible what it has and the one before had not yet."""
        await self._queries.keep_active(effect.connection)
        await self._queries.activate(effect.connection, generation=generation)
        await self._reveal(effect)
        await self._queries.count_change_for_all(effect.connection)

    async def retire(self, effect: Effect, generation: str) -> None:
        """Ends indexing for a generation."""
        await self._queries.retire_generation(effect.connection, generation=generation)

    async def due(self, after_s: float) -> list[str]:
        """Generations that were retired so long ago, and whose collections are still there."""
        return [row["generation"] async for row in self._queries.due_generations(self._pool, after_s=after_s)]

    async def dropped(self, generation: str) -> None:
        """Forgets what a generation had; its name and recipe stay."""
        async with self._pool.acquire() as connection, connection.transaction():
            await self._queries.forget_batches_of(connection, generation=generation)
            await self._queries.forget_placements_of(connection, generation=generation)
            await self._queries.dropped(connection, generation=generation)

    async def _reveal(self, effect: Effect) -> None:
        rows = [row async for row in self._queries.reveal(effect.connection)]
        for row in rows:
            await self._queries.retire(effect.connection, document_id=row["document_id"], below=row["version"])
            await self._queries.forget_batches(effect.connection, document_id=row["document_id"], version=row["version"])
            await replace(effect, cause=None, tenant_id=row["tenant_id"]).publish(_indexed(row))
        for tenant_id in sorted({row["tenant_id"] for row in rows}):
            await self._queries.count_change(effect.connection, tenant_id=tenant_id)


def _indexed(row: asyncpg.Record) -> DocumentIndexedV1:
    return DocumentIndexedV1(
        document_id=row["document_id"],
        document_version=row["version"],
        document_sha256=row["visible_sha256"],
        chunks=row["chunks"],
        embedding_model=row["embedding_model"],
    )
