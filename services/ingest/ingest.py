"""The verb of this service: an uploaded document becomes embedded chunks, or is rejected with the reason."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256

import structlog

from contracts.chunks import ChunksDeletedV1
from contracts.codec import Received
from contracts.documents import BlobRef, DocumentDeletedV1, DocumentRejectedV1, DocumentUploadedV1
from kit.errors import Permanent, Rejected, WorkbenchError
from kit.ports.blobs import BlobStore
from services.ingest.batch import Packer
from services.ingest.chunk import Chunker, Span
from services.ingest.document import ParsedDocument
from services.ingest.embed import Embedder
from services.ingest.store import Content, Store

log = structlog.get_logger(__name__)

Parse = Callable[[bytes, str], Awaitable[ParsedDocument]]


@dataclass(frozen=True, slots=True)
class Limits:
    """A document beyond these is rejected."""

    bytes: int
    chunks: int


@dataclass(frozen=True, slots=True)
class Ingest:
    """Parses, chunks and embeds; what is known of a content already is not done again. `recipe` names how."""

    store: Store
    blobs: BlobStore
    parse: Parse
    chunker: Chunker
    embedder: Embedder
    packer: Packer
    limits: Limits
    recipe: str

    async def upload(self, event: Received[DocumentUploadedV1]) -> None:
        """Handles `docs.uploaded`. Raises Rejected, after the document is marked failed, if it cannot be ingested."""
        if not await self._is_newest(event):
            await self.store.skip(event)
            return
        await self.store.begin(event)
        content = Content(event.envelope.tenant_id, event.data.blob.sha256, self.recipe)
        try:
            text = await self.store.text(content) or await self._extract(event.data, content)
            await self._embed(event.data, content, text)
            await self._tell(event, content, text)
        except Permanent as error:
            await self.give_up(event, error)
            raise Rejected(error.code, error.message) from error

    async def delete(self, event: Received[DocumentDeletedV1]) -> None:
        """Handles `docs.deleted`; one that is older than what is known does nothing."""
        deleted = event.data
        async with self.store.deleting(event) as (effect, newest):
            if newest:
                await effect.publish(ChunksDeletedV1(document_id=deleted.document_id, document_version=deleted.document_version))
        log.info("document.deleted", document_id=deleted.document_id, version=deleted.document_version, newest=newest)

    async def _is_newest(self, event: Received[DocumentUploadedV1]) -> bool:
        known, upload = await self.store.known(event.data.document_id), event.data
        if known is None:
            return True
        if known["tenant_id"] != event.envelope.tenant_id:
            raise Permanent("document_id_taken", f"document {upload.document_id} belongs to another tenant; choose another id")
        if known["version"] != upload.document_version or known["status"] == "deleted":
            return bool(known["version"] < upload.document_version)
        if known["sha256"] != upload.blob.sha256:
            raise Permanent("document_version_taken", f"version {known['version']} has other content already; send a greater version")
        return bool(known["status"] != "embedded")

    async def _extract(self, upload: DocumentUploadedV1, content: Content) -> str:
        data = await self._fetch(upload.blob)
        document = await self.parse(data, upload.media_type)
        spans = await asyncio.to_thread(self.chunker.chunk, document, upload.media_type)
        self._refuse_too_many(spans)
        await self.store.put_text(content, document, spans)
        return document.text

    async def _fetch(self, blob: BlobRef) -> bytes:
        data = await self.blobs.get(blob.uri, self.limits.bytes)
        if sha256(data).hexdigest() != blob.sha256:
            raise Permanent("blob_hash_mismatch", f"the bytes at {blob.uri} do not have the SHA-256 the event says; upload them again")
        return data

    def _refuse_too_many(self, spans: list[Span]) -> None:
        if len(spans) > self.limits.chunks:
            raise Permanent("document_too_long", f"{len(spans)} chunks are over the limit of {self.limits.chunks}; split the document")

    async def _embed(self, upload: DocumentUploadedV1, content: Content, text: str) -> None:
        await self.store.note_chunks(upload, content)
        embedded = await self.embedder.fill(content, text)
        log.info("document.embedded", document_id=upload.document_id, version=upload.document_version, embedded=embedded)

    async def _tell(self, event: Received[DocumentUploadedV1], content: Content, text: str) -> None:
        batches = self.packer.pack(event.data, text, await self.store.chunks(content))
        async with self.store.finishing(event) as (effect, newest):
            if newest:
                for batch in batches:
                    await effect.publish(batch, part=batch.batch_no)

    async def give_up(self, event: Received[DocumentUploadedV1], error: WorkbenchError) -> None:
        """Marks the document failed and tells `docs.rejected`, unless a newer version is known; whoever sent it sees the reason."""
        upload = event.data
        async with self.store.failing(event, error) as (effect, newest):
            if newest:
                await effect.publish(
                    DocumentRejectedV1(
                        document_id=upload.document_id,
                        document_version=upload.document_version,
                        code=error.code,
                        reason=error.message,
                    )
                )
