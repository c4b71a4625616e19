"""What rag reads and remembers: uploads, and the published views of ingest and indexer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import asyncpg

from contracts.documents import BlobRef, DocumentDeletedV1, DocumentUploadedV1
from kit.effects import Effect, Effects
from kit.ports.vectors import Hit
from kit.postgres import load_queries
from kit.rounds import Rounds


class StoredQuote(NamedTuple):
    """What stands at a span of a stored text (None if there is no such text), and on which page."""

    quote: str | None
    page: int | None


@dataclass(frozen=True, slots=True)
class Page:
    """Which documents are wanted: after the id `after`, `limit` at the most, of this content."""

    after: str | None = None
    limit: int = 100
    sha256: str | None = None


class Store:
    """The `rag` schema, and what others published. Methods that take an effect write in its transaction."""

    def __init__(self, effects: Effects) -> None:
        self.effects = effects
        self._pool: asyncpg.Pool = effects.pool
        self._queries = load_queries("rag")
        self._visible = Rounds(self._visible_versions)

    async def visible(self, tenant_id: str, hits: Sequence[Hit]) -> list[Hit]:
        """Those of `hits` whose version is the one that may be shown; a flip between two versions takes effect here, at once."""
        visible = await self._visible.join({hit.chunk.document_id for hit in hits}) if hits else set()
        return [hit for hit in hits if (tenant_id, hit.chunk.document_id, hit.chunk.document_version) in visible]

    async def _visible_versions(self, document_ids: Sequence[str]) -> set[tuple[str, str, int]]:
        rows = self._queries.visible_versions(self._pool, document_ids=list(set(document_ids)))
        return {(row["tenant_id"], row["document_id"], row["visible_version"]) async for row in rows}

    async def quotes(self, tenant_id: str, spans: Sequence[tuple[str, int, int]]) -> list[StoredQuote]:
        """What the stored texts say at each (sha256, start, end), in order."""
        if not spans:
            return []
        rows = self._queries.stored_quotes(
            self._pool,
            tenant_id=tenant_id,
            sha256s=[sha256 for sha256, _, _ in spans],
            starts=[start for _, start, _ in spans],
            lengths=[end - start for _, start, end in spans],
        )
        return [StoredQuote(row["quote"], row["page"]) async for row in rows]

    async def text(self, tenant_id: str, document_id: str, version: int | None, start: int, end: int) -> asyncpg.Record | None:
        """What a document's text says at `[start, end)`, how long it is and where its pages begin; None if there is no such text."""
        which = {"tenant_id": tenant_id, "document_id": document_id, "version": version}
        return await self._queries.stored_text(self._pool, **which, start=start, length=end - start)

    async def document(self, tenant_id: str, document_id: str, effect: Effect | None = None) -> asyncpg.Record | None:
        """A document with its status, or None."""
        rows = await self._documents(effect, tenant_id=tenant_id, document_id=document_id, sha256=None, after=None, limit=1)
        return rows[0] if rows else None

    async def documents(self, tenant_id: str, page: Page, effect: Effect | None = None) -> list[asyncpg.Record]:
        """Documents with their status, by id; deleted ones are left out."""
        return await self._documents(effect, tenant_id=tenant_id, document_id=None, sha256=page.sha256, after=page.after, limit=page.limit)

    async def _documents(self, effect: Effect | None, **filters: Any) -> list[asyncpg.Record]:
        return [row async for row in self._queries.documents(effect.connection if effect else self._pool, **filters)]

    async def lock(self, effect: Effect, what: str) -> None:
        """Waits until no other transaction decides about `what`."""
        await self._queries.lock_content(effect.connection, what=what)

    async def owner(self, effect: Effect, document_id: str) -> asyncpg.Record | None:
        """The tenant and the newest version of a document id, or None if it is free."""
        return await self._queries.owner(effect.connection, document_id=document_id)

    async def put_upload(self, effect: Effect, upload: DocumentUploadedV1) -> None:
        """Keeps an upload, and tells it."""
        await self._queries.put_upload(
            effect.connection,
            document_id=upload.document_id,
            tenant_id=effect.tenant_id,
            version=upload.document_version,
            title=upload.title,
            media_type=upload.media_type,
            uri=upload.blob.uri,
            sha256=upload.blob.sha256,
            bytes=upload.blob.bytes,
            metadata=upload.metadata,
        )
        await effect.publish(upload)

    async def put_delete(self, effect: Effect, document: asyncpg.Record, version: int) -> None:
        """Keeps that a document is deleted, and tells it."""
        await self._queries.put_delete(
            effect.connection,
            document_id=document["document_id"],
            tenant_id=effect.tenant_id,
            version=version,
            title=document["title"],
            media_type=document["media_type"],
            sha256=document["sha256"],
            bytes=document["bytes"],
        )
        await effect.publish(DocumentDeletedV1(document_id=document["document_id"], document_version=version))

    async def answered(self, effect: Effect, key: str) -> asyncpg.Record | None:
        """What a request with this Idempotency-Key was answered, or None."""
        return await self._queries.get_idempotent(effect.connection, tenant_id=effect.tenant_id, key=key)

    async def put_answered(self, effect: Effect, key: str, digest: str, response: dict[str, Any]) -> None:
        """Keeps what a request with this Idempotency-Key is answered."""
        await self._queries.put_idempotent(effect.connection, tenant_id=effect.tenant_id, key=key, digest=digest, response=response)

    async def requeue(self, older_than_s: float) -> int:
        """Tells every upload and delete again that ingest has not heard of for so long. Returns their number."""
        rows = [row async for row in self._queries.lost_uploads(self._pool, older_than_s=older_than_s)]
        for row in rows:
            async with self.effects.caused_by(None, row["tenant_id"]) as effect:
                await self._queries.touch_upload(effect.connection, document_id=row["document_id"], version=row["version"])
                await effect.publish(_event(row))
        return len(rows)


def _event(row: asyncpg.Record) -> DocumentUploadedV1 | DocumentDeletedV1:
    if row["deleted"]:
        return DocumentDeletedV1(document_id=row["document_id"], document_version=row["version"])
    return DocumentUploadedV1(
        document_id=row["document_id"],
        document_version=row["version"],
        title=row["title"],
        media_type=row["media_type"],
        blob=BlobRef(uri=row["uri"], sha256=row["sha256"], bytes=row["bytes"]),
        metadata=row["metadata"],
    )
