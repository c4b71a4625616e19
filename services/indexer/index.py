"""The verb of this service: a batch of chunks becomes points; with its last batch a version becomes visible at once."""

from base64 import b64decode
from dataclasses import dataclass

import numpy as np
import structlog

from contracts.chunks import ChunksDeletedV1, ChunksEmbeddedV1, EmbeddedChunk
from contracts.codec import Received
from contracts.documents import DocumentIndexedV1
from kit.errors import Permanent
from kit.ports.sparse import SparseEncoder
from kit.ports.vectors import Chunk, Point, Vector
from services.indexer.indexes import Indexes
from services.indexer.retire import Retire
from services.indexer.store import Store

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Index:
    """Points are written before their batch is recorded: what is recorded is there, and writing a point twice is writing it once."""

    store: Store
    indexes: Indexes
    sparse: SparseEncoder
    retire: Retire

    async def embedded(self, event: Received[ChunksEmbeddedV1]) -> None:
        """Handles `chunks.embedded`; a batch of a version that was overtaken, or for a retired generation, does nothing.

        Raises Permanent on broken vectors, an unknown generation, or another model than the generation's.
        """
        batch, shown = event.data, False
        vectors = await self.indexes.of(batch)
        if vectors and not await self.store.is_superseded(batch.document_id, batch.document_version):
            await vectors.upsert(self._points(batch, event.envelope.tenant_id))
        async with self.store.effects.once(event) as effect:
            if vectors and await self.store.record(effect, event):
                await vectors.show(batch.document_id, batch.document_version)
                shown = await self.store.complete(effect, batch)
            if shown:
                await effect.publish(_indexed(batch))
        if shown:
            log.info("document.indexed", document_id=batch.document_id, version=batch.document_version, chunks=batch.chunk_count)
            await self.retire.once()

    async def deleted(self, event: Received[ChunksDeletedV1]) -> None:
        """Handles `chunks.deleted`; one that is older than what is known does nothing."""
        async with self.store.effects.once(event) as effect:
            await self.store.mark_deleted(effect, event)
        await self.retire.once()

    def _points(self, batch: ChunksEmbeddedV1, tenant_id: str) -> list[Point]:
        sparse = self.sparse.encode_documents([chunk.text for chunk in batch.chunks])
        return [
            Point(_chunk(batch, chunk, tenant_id), _vector(batch, chunk), terms) for chunk, terms in zip(batch.chunks, sparse, strict=True)
        ]


def _vector(batch: ChunksEmbeddedV1, chunk: EmbeddedChunk) -> Vector:
    try:
        vector = np.frombuffer(b64decode(chunk.vector, validate=True), dtype="<f4")
    except ValueError as error:
        raise Permanent("vector_invalid", f"chunk {chunk.chunk_no}: the vector is not base64 of float32: {error}") from error
    if vector.shape != (batch.dimensions,):
        raise Permanent("vector_invalid", f"chunk {chunk.chunk_no}: the vector has {vector.size} numbers, not {batch.dimensions}")
    return vector


def _chunk(batch: ChunksEmbeddedV1, chunk: EmbeddedChunk, tenant_id: str) -> Chunk:
    return Chunk(
        chunk_id=chunk.chunk_id,
        tenant_id=tenant_id,
        document_id=batch.document_id,
        document_version=batch.document_version,
        document_sha256=batch.document_sha256,
        chunk_no=chunk.chunk_no,
        text=chunk.text,
        title=batch.title,
        media_type=batch.media_type,
        start=chunk.start,
        end=chunk.end,
        page=chunk.page,
        heading=chunk.heading,
        metadata=batch.metadata,
    )


def _indexed(batch: ChunksEmbeddedV1) -> DocumentIndexedV1:
    return DocumentIndexedV1(
        document_id=batch.document_id,
        document_version=batch.document_version,
        document_sha256=batch.document_sha256,
        chunks=batch.chunk_count,
        embedding_model=batch.embedding_model,
    )
