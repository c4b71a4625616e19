"""What indexer remembers: which batches are in, which version is visible, and which points are to go."""

from dataclasses import dataclass

import asyncpg

from contracts.chunks import ChunksDeletedV1, ChunksEmbeddedV1
from contracts.codec import Received
from kit.effects import Effect, Effects
from kit.postgres import load_queries


@dataclass(frozen=True, slots=True)
class Retirement:
    """The points of every version of a document below `below`."""

    document_id: str
    below: int


class Store:
    """The `indexer` schema. Methods that take an effect write in its transaction."""

    def __init__(self, effects: Effects) -> None:
        self.effects = effects
        self._pool: asyncpg.Pool = effects.pool
        self._queries = load_queries("indexer")

    async def is_superseded(self, document_id: str, version: int) -> bool:
        """Whether a greater version of the document is known."""
        newest = await self._queries.newest_version(self._pool, document_id=document_id)
        return newest is not None and newest > version

    async def record(self, effect: Effect, event: Received[ChunksEmbeddedV1]) -> bool:
        """Notes a batch; gives whether its version is to become visible now: complete with it, newest, and not visible yet."""
        batch = event.data
        version = {"document_id": batch.document_id, "version": batch.document_version}
        connection = effect.connection
        pending = await self._queries.claim_version(connection, **version, tenant_id=event.envelope.tenant_id, chunks=batch.chunk_count)
        if not pending:
            # Points of an overtaken version may have been written after its retirement: they are to go as well.
            await self._queries.retire_overtaken(connection, **version)
            return False
        await self._queries.record_batch(connection, **version, batch_no=batch.batch_no, chunks=len(batch.chunks))
        return bool(await self._queries.count_batches(connection, **version) == batch.batch_count)

    async def make_visible(self, effect: Effect, batch: ChunksEmbeddedV1) -> None:
        """Makes this version the one that searches find, and retires the older ones."""
        document_id, version = batch.document_id, batch.document_version
        await self._queries.retire_older(effect.connection, document_id=document_id, version=version)
        await self._queries.make_visible(effect.connection, document_id=document_id, version=version, sha256=batch.document_sha256)
        await self._queries.forget_batches(effect.connection, document_id=document_id, version=version)

    async def mark_deleted(self, effect: Effect, event: Received[ChunksDeletedV1]) -> None:
        """Makes the document invisible and retires all its versions, unless a greater version is known."""
        document_id, version = event.data.document_id, event.data.document_version
        marked = await self._queries.mark_deleted(
            effect.connection, document_id=document_id, tenant_id=event.envelope.tenant_id, version=version
        )
        if marked is not None:
            await self._queries.forget_batches(effect.connection, document_id=document_id, version=version)
            await self._queries.retire(effect.connection, document_id=document_id, below=version)

    async def due(self) -> list[Retirement]:
        """What is to go from the vector store."""
        return [Retirement(row["document_id"], row["below"]) async for row in self._queries.due_retirements(self._pool)]

    async def gone(self, retirement: Retirement) -> None:
        """Forgets a retirement that is done; one that has grown meanwhile stays."""
        await self._queries.retired(self._pool, document_id=retirement.document_id, below=retirement.below)
