"""What ingest remembers of index generations: the version of each document that they are built from, and how far each is."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import asyncpg

from contracts.codec import Received
from contracts.documents import DocumentReplayedV1, DocumentUploadedV1
from contracts.generations import ChunkerRecipe, EmbeddingRecipe
from kit.effects import Effect, Effects
from kit.errors import WorkbenchError
from kit.postgres import load_queries
from services.ingest.store import upload_fields, upload_row


@dataclass(frozen=True, slots=True)
class Generation:
    """A generation that documents are indexed for; None where the settings say how."""

    name: str
    is_active: bool
    embedding: EmbeddingRecipe | None
    chunker: ChunkerRecipe | None


class BuildStore:
    """The sources and builds of the `ingest` schema. Methods that take an effect write in its transaction."""

    def __init__(self, effects: Effects) -> None:
        self._effects = effects
        self._pool: asyncpg.Pool = effects.pool
        self._queries = load_queries("ingest")

    async def generations(self, effect: Effect | None = None) -> list[Generation]:
        """Those that documents are indexed for."""
        rows = self._queries.live_generations(effect.connection if effect else self._pool)
        return [_generation(row) async for row in rows]

    async def embedded(self, effect: Effect, upload: DocumentUploadedV1, generation: str, recipe: str) -> None:
        """Notes a version that one generation has, and tells it for all others."""
        others = [other.name for other in await self.generations(effect) if other.name != generation]
        version = {"document_id": upload.document_id, "version": upload.document_version, "error_code": None, "error_message": None}
        await self._queries.put_source(effect.connection, tenant_id=effect.tenant_id, **upload_row(upload))
        await self._queries.put_build(effect.connection, **version, generation=generation, status="embedded", recipe=recipe)
        for part, other in enumerate(others):
            await self._queries.put_build(effect.connection, **version, generation=other, status="queued", recipe=None)
            await effect.publish(DocumentReplayedV1(**dict(upload), generation=other), part=part)

    async def is_source(self, replayed: DocumentReplayedV1) -> bool:
        """Whether this version is still the one that generations are built from."""
        return bool(await self._queries.source_version(self._pool, document_id=replayed.document_id) == replayed.document_version)

    @asynccontextmanager
    async def replaying(self, event: Received[DocumentReplayedV1], recipe: str) -> AsyncIterator[tuple[Effect, bool]]:
        """The effect of a replay, and whether its version is still the one that generations are built from."""
        async with self._effects.once(event) as effect:
            current = await self._is_current(effect, event.data)
            if current:
                await self._queries.put_build(effect.connection, **_build(event.data, "embedded"), recipe=recipe)
            yield effect, current

    async def fail(self, event: Received[DocumentReplayedV1], error: WorkbenchError) -> None:
        """Notes that a version cannot be in a generation, and why. The inbox stays open, so the record can be replayed."""
        async with self._effects.caused_by(event.envelope) as effect:
            if await self._is_current(effect, event.data):
                await self._queries.put_build(effect.connection, **_build(event.data, "failed", error), recipe=None)

    async def queue(self, generation: str, window: int) -> int:
        """Tells documents that a generation does not have yet, so that no more than `window` are on their way; gives how many are."""
        async with self._effects.caused_by(None) as effect:
            queued: int = await self._queries.count_queued(effect.connection, generation=generation)
            room = max(0, window - queued)
            rows = [row async for row in self._queries.queue_builds(effect.connection, generation=generation, limit=room)] if room else []
            await _tell(effect, rows)
        return queued + len(rows)

    async def requeue(self, older_than_s: float) -> int:
        """Tells again what was told for a generation and has not come there after so long. Returns how many."""
        async with self._effects.caused_by(None) as effect:
            rows = [row async for row in self._queries.unfinished_builds(effect.connection, older_than_s=older_than_s)]
            for row in rows:
                version = {"document_id": row["document_id"], "version": row["version"], "error_code": None, "error_message": None}
                await self._queries.put_build(effect.connection, **version, generation=row["generation"], status="queued", recipe=None)
            await _tell(effect, rows)
        return len(rows)

    async def forget(self) -> None:
        """Drops what was made for retired generations."""
        await self._queries.forget_generations(self._pool)

    async def _is_current(self, effect: Effect, replayed: DocumentReplayedV1) -> bool:
        row = await self._queries.lock_source(effect.connection, document_id=replayed.document_id)
        return row is not None and row["version"] == replayed.document_version


async def _tell(effect: Effect, rows: list[asyncpg.Record]) -> None:
    for row in rows:
        event = DocumentReplayedV1(**upload_fields(row), generation=row["generation"])
        await replace(effect, tenant_id=row["tenant_id"]).publish(event)


def _build(replayed: DocumentReplayedV1, status: str, error: WorkbenchError | None = None) -> dict[str, object]:
    return {
        "document_id": replayed.document_id,
        "generation": replayed.generation,
        "version": replayed.document_version,
        "status": status,
        "error_code": error.code if error else None,
        "error_message": error.message if error else None,
    }


def _generation(row: asyncpg.Record) -> Generation:
    embedding, chunker = row["embedding"], row["chunker"]
    return Generation(
        name=row["generation"],
        is_active=row["state"] == "active",
        embedding=None if embedding is None else EmbeddingRecipe.model_validate(embedding),
        chunker=None if chunker is None else ChunkerRecipe.model_validate(chunker),
    )
