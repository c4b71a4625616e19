"""What ingest remembers: documents, their texts and their chunks."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import numpy as np

from contracts.codec import Received
from contracts.documents import BlobRef, DocumentDeletedV1, DocumentEvent, DocumentUploadedV1
from kit.effects import Effect, Effects
from kit.errors import WorkbenchError
from kit.ports.embedding import Vectors
from kit.postgres import load_queries
from services.ingest.chunk import Span
from services.ingest.document import Heading, Page, ParsedDocument


@dataclass(frozen=True, slots=True)
class Content:
    """The identity of a document's bytes: whose they are, and their hash."""

    tenant_id: str
    sha256: str

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
        await self._queries.begin_document(self._pool, tenant_id=event.envelope.tenant_id, **upload_row(event.data))

    async def skip(self, event: Received[DocumentEvent]) -> None:
        """Remembers that the event needs no effect."""
        async with self._effects.once(event):
            return

    async def parsed(self, content: Content, parser: str | None) -> ParsedDocument | None:
        """What `parser` (None: whichever) made of a content, or None if it is to be made."""
        row = await self._queries.get_text(self._pool, **content.key, parser=parser)
        return None if row is None else _parsed(row)

    async def put_parsed(self, content: Content, parser: str, document: ParsedDocument) -> None:
        """Keeps what a parser made of a content; the chunks of another text go."""
        async with self._pool.acquire() as connection, connection.transaction():
            await self._queries.clear_chunks(connection, **content.key, text=document.text)
            await self._queries.put_text(
                connection,
                **content.key,
                parser=parser,
                text=document.text,
                page_numbers=[page.number for page in document.pages],
                page_starts=[page.start for page in document.pages],
                headings=[[heading.start, heading.level, heading.text] for heading in document.headings],
            )

    async def put_chunks(self, content: Content, recipe: str, spans: Sequence[Span]) -> None:
        """Keeps where the chunks of a recipe stand, all or none."""
        rows = [
            {**content.key, "chunk_no": no, "start": span.start, "end": span.end, "page": span.page, "heading": span.heading}
            for no, span in enumerate(spans)
        ]
        async with self._pool.acquire() as connection, connection.transaction():
            await self._queries.put_chunk(connection, [{**row, "recipe": recipe} for row in rows])

    async def chunks(self, content: Content, recipe: str) -> list[StoredChunk]:
        """All chunks that a recipe made of a content, in order; none if it has not been cut."""
        return [_chunk(row) async for row in self._queries.get_chunks(self._pool, **content.key, recipe=recipe)]

    async def note_chunks(self, upload: DocumentUploadedV1, content: Content, recipe: str) -> None:
        """Notes that the version is being embedded, and how many chunks it has."""
        version = {"document_id": upload.document_id, "version": upload.document_version}
        await self._queries.note_chunks(self._pool, **version, **content.key, recipe=recipe)

    async def put_vectors(self, content: Content, recipe: str, chunks: Sequence[StoredChunk], vectors: Vectors) -> None:
        """Keeps the vectors of `chunks`, shape (len(chunks), dimensions)."""
        rows = [
            {**content.key, "recipe": recipe, "chunk_no": chunk.chunk_no, "vector": vector.tobytes()}
            for chunk, vector in zip(chunks, vectors, strict=True)
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
        content = Content(event.envelope.tenant_id, event.data.blob.sha256)
        async with self._effects.caused_by(event.envelope) as effect:
            current = await self._queries.fail_document(effect.connection, **row, **content.key, code=error.code, message=error.message)
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
                await self._queries.forget_source(effect.connection, document_id=document_id)
                await self._queries.forget_builds(effect.connection, document_id=document_id)
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
                await effect.publish(DocumentUploadedV1(**upload_fields(row)))
        return len(rows)


def upload_fields(row: asyncpg.Record) -> dict[str, Any]:
    """The fields of an upload's event that stand in a row."""
    return {
        "document_id": row["document_id"],
        "document_version": row["version"],
        "title": row["title"],
        "media_type": row["media_type"],
        "blob": BlobRef(uri=row["uri"], sha256=row["sha256"], bytes=row["bytes"]),
        "metadata": row["metadata"],
    }


def upload_row(upload: DocumentUploadedV1) -> dict[str, Any]:
    """The columns of an upload."""
    return {
        "document_id": upload.document_id,
        "version": upload.document_version,
        "title": upload.title,
        "media_type": upload.media_type,
        "uri": upload.blob.uri,
        "sha256": upload.blob.sha256,
        "bytes": upload.blob.bytes,
        "metadata": upload.metadata,
    }


def _parsed(row: asyncpg.Record) -> ParsedDocument:
    starts = row["page_starts"]
    ends = [*starts[1:], len(row["text"])] if starts else []
    pages = tuple(Page(number, start, end) for number, start, end in zip(row["page_numbers"], starts, ends, strict=True))
    return ParsedDocument(row["text"], pages, tuple(Heading(*heading) for heading in row["headings"]))


def _chunk(row: asyncpg.Record) -> StoredChunk:
    vector = None if row["vector"] is None else np.frombuffer(row["vector"], dtype="<f4")
    return StoredChunk(row["chunk_no"], Span(row["start_at"], row["end_at"], row["page"], row["heading"]), vector)
