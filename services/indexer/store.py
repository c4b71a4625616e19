"""What indexer remembers of documents: which batches are in, which version is visible, and which points are to go."""

from dataclasses import dataclass

import asyncpg

from contracts.chunks import ChunksDeletedV1, ChunksEmbeddedV1
from contracts.codec import Received
from contracts.generations import FIRST_GENERATION
from kit.effects import Effect, Effects
from kit.postgres import load_queries


@dataclass(frozen=True, slots=True)
class Retirement:
    """The points of every version of a document below `below`."""

    document_id: str
    below: int


class Store:
    """The documents of the `indexer` schema. Methods that take an effect write in its transaction."""

    def __init__(self, effects: Effects) -> None:
        self.effects = effects
        self._pool: asyncpg.Pool = effects.pool
        self._queries = load_queries("indexer")

    async def is_superseded(self, document_id: str, version: int) -> bool:
        """Whether a greater version of the document is known."""
        newest = await self._queries.newest_version(self._pool, document_id=document_id)
        return newest is not None and newest > version

    async def record(self, effect: Effect, event: Received[ChunksEmbeddedV1]) -> bool:
        """Notes a batch; gives whether its generation has all of the version with it, and has not had before.

        The pointer to the active generation does not move until the transaction ends.
        """
        batch, connection = event.data, effect.connection
        version = {"document_id": batch.document_id, "version": batch.document_version}
        placed = {**version, "generation": generation_of(batch)}
        await self._queries.share_generations(connection)
        claimed = await self._queries.claim_version(connection, **version, tenant_id=effect.tenant_id, chunks=batch.chunk_count)
        if claimed is None:
            # Points of an overtaken version may have been written after its retirement: they are to go as well.
            await self._queries.retire_overtaken(connection, **version)
            return False
        if not await self._queries.claim_placement(connection, **placed, chunks=batch.chunk_count):
            return False
        await self._queries.record_batch(connection, **placed, batch_no=batch.batch_no, chunks=len(batch.chunks))
        return bool(await self._queries.count_batches(connection, **placed) == batch.batch_count)

    async def complete(self, effect: Effect, batch: ChunksEmbeddedV1) -> bool:
        """Notes that the generation has all of the version; gives whether searches find it from now on and did not before."""
        connection, version = effect.connection, {"document_id": batch.document_id, "version": batch.document_version}
        placed = {**version, "generation": generation_of(batch)}
        await self._queries.complete_placement(connection, **placed, sha256=batch.document_sha256)
        if not await self._queries.deciding_has_all(connection, **version):
            return False
        await self._queries.retire_older(connection, **version)
        shown = await self._queries.make_visible(connection, **version, sha256=batch.document_sha256)
        await self._queries.forget_batches(connection, **version)
        if shown is not None:
            await self._queries.count_change(connection, tenant_id=effect.tenant_id)
        return shown is not None

    async def mark_deleted(self, effect: Effect, event: Received[ChunksDeletedV1]) -> None:
        """Makes the document invisible and retires all its versions, unless a greater version is known."""
        document_id, version, tenant_id = event.data.document_id, event.data.document_version, effect.tenant_id
        connection = effect.connection
        marked = await self._queries.mark_deleted(connection, document_id=document_id, tenant_id=tenant_id, version=version)
        if marked is not None:
            await self._queries.forget_batches(connection, document_id=document_id, version=version)
            await self._queries.forget_placements(connection, document_id=document_id)
            await self._queries.retire(connection, document_id=document_id, below=version)
            await self._queries.count_change(connection, tenant_id=tenant_id)

    async def due(self) -> list[Retirement]:
        """What is to go from the vector store."""
        return [Retirement(row["document_id"], row["below"]) async for row in self._queries.due_retirements(self._pool)]

    async def gone(self, retirement: Retirement) -> None:
        """Forgets a retirement that is done; one that has grown meanwhile stays."""
        await self._queries.retired(self._pool, document_id=retirement.document_id, below=retirement.below)


def generation_of(batch: ChunksEmbeddedV1) -> str:
    """The generation that a batch is for."""
    return batch.generation or FIRST_GENERATION
