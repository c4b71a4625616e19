"""What ingest remembers: documents, their texts and their chunks."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
import numpy as np

from contracts.codec import Received
from contracts.documents import BlobRef, DocumentDeletedV1, DocumentEvent, DocumentUploadedV1
from kit.effects import Effect, Effects
from kit.errors import WorkbenchError
from kit.ports.embedding import Vectors
from kit.postgres import load_queries
from services.ingest.chunk import Span
from services.ingest.document import ParsedDocument


@dataclass(frozen=True, slots=True)
class Content:
    """The identity of a text: whose it is, of which bytes, made how."""

    tenant_id: str
    sha256: str
    recipe: str

    @property
    def key(self) -> dict[str, str]:
        """The columns that tell contents apart."""
        return {"tenant_id": self.tenant_id, "sha256": self.sha256}


@dataclass(frozen=True, slots=True)
class StoredChunk:
    """Where a chunk stands, and its vector (shape (dimensions,)) once it has one."""

    chunk_no: int
    span: Span
    vector: Vectors | None


class Store:
    """The `ingest` schema."""

    def __init__(self, effects: Effects) -> None:
        self._effects = effects
        self._pool = effects.pool
        self._queries = load_queries("ingest")

    async def known(self, document_id: str) -> asyncpg.Record | None:
        """The newest version of a document that ingest has heard of."""
        return await self._queries.get_document(self._pool, document_id=document_id)

    async def begin(self, event: Received[DocumentUploadedV1]) -> None:
        """Notes that the version is being parsed."""
        upload = event.data
        await self._queries.begin_document(
            self._pool,
            document_id=upload.document_id,
            tenant_id=event.envelope.tenant_id,
            version=upload.document_version,
            title=upload.title,
            media_type=upload.media_type,
            uri=upload.blob.uri,
            sha256=upload.blob.sha256,
            bytes=upload.blob.bytes,
            metadata=upload.metadata,
        )

    async def skip(self, event: Received[DocumentEvent]) -> None:
        """Remembers that the event needs no effect."""
        async with self._effects.once(event):
            return

    async def text(self, content: Content) -> str | None:
        """The extracted text of a content, or None if it is to be made."""
        text: str | None = await self._queries.get_text(self._pool, **content.key, recipe=content.recipe)
        return text

    async def put_text(self, content: Content, document: ParsedDocument, spans: Sequence[Span]) -> None:
        """Keeps a text and where its chunks stand, in place of what another recipe made."""
        rows = [
            {**content.key, "chunk_no": no, "start": span.start, "end": span.end, "page": span.page, "heading": span.heading}
            for no, span in enumerate(spans)
        ]
        async with self._pool.acquire() as connection, connection.transaction():
            await self._queries.put_text(
                connection,
                **content.key,
                recipe=content.recipe,
                text=document.text,
                page_numbers=[page.number for page in document.pages],
                page_starts=[page.start for page in document.pages],
            )
            await self._queries.clear_chunks(connection, **content.key)
            await self._queries.put_chunk(connection, rows)

    async def chunks(self, content: Content) -> list[StoredChunk]:
        """All chunks of a content, in order."""
        return [_chunk(row) async for row in self._queries.get_chunks(self._pool, **content.key)]

    async def note_chunks(self, upload: DocumentUploadedV1, content: Content) -> None:
        """Notes that the version is being embedded, and how many chunks it has."""
        await self._queries.note_chunks(self._pool, document_id=upload.document_id, version=upload.document_version, **content.key)

    async def put_vectors(self, content: Content, chunks: Sequence[StoredChunk], vectors: Vectors) -> None:
        """Keeps the vectors of `chunks`, shape (len(chunks), dimensions)."""
        rows = [
            {**content.key, "chunk_no": chunk.chunk_no, "vector": vector.tobytes()} for chunk, vector in zip(chunks, vectors, strict=True)
        ]
        await self._queries.put_vector(self._pool, rows)

    @asynccontextmanager
    async def finishing(self, event: Received[DocumentUploadedV1]) -> AsyncIterator[tuple[Effect, bool]]:
        """The effect of an upload, and whether the version is still the newest."""
        upload = event.data
        async with self._effects.once(event) as effect:
            current = await self._queries.finish_document(
                effect.connection, document_id=upload.document_id, version=upload.document_version
            )
            yield effect, current is not None

    @asynccontextmanager
    async def failing(self, event: Received[DocumentUploadedV1], error: WorkbenchError) -> AsyncIterator[tuple[Effect, bool]]:
        """Marks a version failed, and tells whether it is still the newest. The inbox stays open, so the record can be replayed."""
        row = {"document_id": event.data.document_id, "version": event.data.document_version}
        async with self._effects.caused_by(event.envelope) as effect:
            current = await self._queries.fail_document(effect.connection, **row, code=error.code, message=error.message)
            yield effect, current is not None

    @asynccontextmanager
    async def deleting(self, event: Received[DocumentDeletedV1]) -> AsyncIterator[tuple[Effect, bool]]:
        """The effect of a delete, and whether it is the newest; the text goes with its last document."""
        document_id, tenant_id = event.data.document_id, event.envelope.tenant_id
        async with self._effects.once(event) as effect:
            row = {"document_id": document_id, "tenant_id": tenant_id, "version": event.data.document_version}
            current = await self._queries.delete_document(effect.connection, **row)
            known = await self._queries.get_document(effect.connection, document_id=document_id)
            if current is not None:
                await self._queries.forget_text(effect.connection, tenant_id=tenant_id, sha256=known["sha256"])
            yield effect, current is not None

    async def forget_texts(self) -> None:
        """Drops the texts that older versions left behind."""
        await self._queries.forget_texts(self._pool)

    async def requeue(self, older_than_s: float) -> int:
        """Queues every document again that has been unfinished for so long; its text and vectors are kept. Returns their number."""
        rows = [row async for row in self._queries.unfinished_documents(self._pool, older_than_s=older_than_s)]
        for row in rows:
            async with self._effects.caused_by(None, row["tenant_id"]) as effect:
                await self._queries.restart_document(effect.connection, document_id=row["document_id"], version=row["version"])
                await effect.publish(_upload(row))
        return len(rows)


def _upload(row: asyncpg.Record) -> DocumentUploadedV1:
    return DocumentUploadedV1(
        document_id=row["document_id"],
        document_version=row["version"],
        title=row["title"],
        media_type=row["media_type"],
        blob=BlobRef(uri=row["uri"], sha256=row["sha256"], bytes=row["bytes"]),
        metadata=row["metadata"],
    )


def _chunk(row: asyncpg.Record) -> StoredChunk:
    vector = None if row["vector"] is None else np.frombuffer(row["vector"], dtype="<f4")
    return StoredChunk(row["chunk_no"], Span(row["start_at"], row["end_at"], row["page"], row["heading"]), vector)
