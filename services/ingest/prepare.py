"""An uploaded document to the events of its chunks, by a recipe; what is known of a content already is not done again."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256

from contracts.chunks import ChunksEmbeddedV1
from contracts.documents import BlobRef, DocumentUploadedV1
from kit.errors import Permanent
from kit.ports.blobs import BlobStore
from services.ingest.chunk import Span
from services.ingest.document import ParsedDocument
from services.ingest.recipes import Recipe
from services.ingest.store import Content, Store

Parse = Callable[[bytes, str], Awaitable[ParsedDocument]]


@dataclass(frozen=True, slots=True)
class Limits:
    """A document beyond these is rejected."""

    bytes: int
    chunks: int


@dataclass(frozen=True, slots=True)
class Prepare:
    """Parses, cuts and embeds. `parser` names how `parse` reads."""

    store: Store
    blobs: BlobStore
    parse: Parse
    limits: Limits
    parser: str

    async def extract(self, upload: DocumentUploadedV1, content: Content, anyhow: bool = False) -> ParsedDocument:
        """The document's text, headings and pages; `anyhow` takes what is stored from whichever parser. Raises Permanent if it has none."""
        known = await self.store.parsed(content, None if anyhow else self.parser)
        if known is not None:
            return known
        document = await self.parse(await self._fetch(upload.blob), upload.media_type)
        await self.store.put_parsed(content, self.parser, document)
        return document

    async def cut(self, upload: DocumentUploadedV1, content: Content, document: ParsedDocument, recipe: Recipe) -> None:
        """Cuts it, unless the recipe has done so before. Raises Permanent `document_too_long`."""
        if await self.store.chunks(content, recipe.key):
            return
        spans = await asyncio.to_thread(recipe.chunker.chunk, document, upload.media_type)
        self._refuse_too_many(spans)
        await self.store.put_chunks(content, recipe.key, spans)

    async def embed(self, upload: DocumentUploadedV1, content: Content, document: ParsedDocument, recipe: Recipe) -> list[ChunksEmbeddedV1]:
        """The events, with a vector for each chunk."""
        await recipe.embedder.fill(content, document.text)
        return recipe.packer.pack(upload, document.text, await self.store.chunks(content, recipe.key))

    async def _fetch(self, blob: BlobRef) -> bytes:
        data = await self.blobs.get(blob.uri, self.limits.bytes)
        if sha256(data).hexdigest() != blob.sha256:
            raise Permanent("blob_hash_mismatch", f"the bytes at {blob.uri} do not have the SHA-256 the event says; upload them again")
        return data

    def _refuse_too_many(self, spans: list[Span]) -> None:
        if len(spans) > self.limits.chunks:
            raise Permanent("document_too_long", f"{len(spans)} chunks are over the limit of {self.limits.chunks}; split the document")
