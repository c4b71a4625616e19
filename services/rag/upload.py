"""Uploads and deletes: each gets the next version of its document and is told to the pipeline in the same transaction."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import asyncpg

from contracts.documents import BlobRef, DocumentUploadedV1
from kit.effects import Effect
from kit.errors import Permanent
from kit.ids import IdSource
from kit.ports.blobs import BlobStore, StoredBlob
from services.rag.store import Page, Store


@dataclass(frozen=True, slots=True)
class Upload:
    """What somebody wants ingested. Without a `document_id` it is a new document, or the one that has this content already."""

    data: bytes
    title: str
    media_type: str
    document_id: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)

    def digest(self, blob_sha256: str) -> str:
        """Equal for equal requests."""
        said = [blob_sha256, self.title, self.media_type, self.document_id, dict(self.metadata)]
        return sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of an upload; a `duplicate` changed nothing."""

    document_id: str
    version: int
    status: str
    duplicate: bool = False


@dataclass(frozen=True, slots=True)
class Uploads:
    """Decides about versions and duplicates."""

    store: Store
    blobs: BlobStore
    ids: IdSource

    async def upload(self, tenant_id: str, upload: Upload, idempotency_key: str | None = None) -> Receipt:
        """Stores the bytes and tells the upload, once for each `idempotency_key`.

        Raises Permanent `document_id_taken` or `idempotency_key_reused`, or DependencyDown.
        """
        blob = await self.blobs.put(upload.data)
        async with self.store.effects.caused_by(None, tenant_id) as effect:
            if idempotency_key is None:
                return await self._decide(effect, upload, blob)
            await self.store.lock(effect, f"key/{tenant_id}/{idempotency_key}")
            digest = upload.digest(blob.sha256)
            earlier = await self.store.answered(effect, idempotency_key)
            if earlier is not None:
                return _repeated(earlier, digest)
            receipt = await self._decide(effect, upload, blob)
            await self.store.put_answered(effect, idempotency_key, digest, _receipt_json(receipt))
            return receipt

    async def delete(self, tenant_id: str, document_id: str) -> Receipt:
        """Tells the delete. Raises Permanent `document_unknown`; of a document that is deleted already it gives what is known."""
        async with self.store.effects.caused_by(None, tenant_id) as effect:
            await self.store.lock(effect, f"document/{document_id}")
            document = await self.store.document(tenant_id, document_id, effect)
            if document is None:
                raise Permanent("document_unknown", f"there is no document {document_id!r}")
            if document["status"] == "deleted":
                return Receipt(document_id, document["version"], "deleted", duplicate=True)
            version = document["version"] + 1
            await self.store.put_delete(effect, document, version)
            return Receipt(document_id, version, "deleted")

    async def _decide(self, effect: Effect, upload: Upload, blob: StoredBlob) -> Receipt:
        await self.store.lock(effect, f"content/{effect.tenant_id}/{blob.sha256}")
        same = await self._same(effect, upload, blob)
        if same is not None:
            return Receipt(same["document_id"], same["version"], same["status"], duplicate=True)
        document_id = upload.document_id or f"doc-{self.ids().hex}"
        version = await self._next_version(effect, document_id)
        await self.store.put_upload(
            effect,
            DocumentUploadedV1(
                document_id=document_id,
                document_version=version,
                title=upload.title,
                media_type=upload.media_type,
                blob=BlobRef(uri=blob.uri, sha256=blob.sha256, bytes=blob.bytes),
                metadata=dict(upload.metadata),
            ),
        )
        return Receipt(document_id, version, "queued")

    async def _same(self, effect: Effect, upload: Upload, blob: StoredBlob) -> asyncpg.Record | None:
        documents = await self.store.documents(effect.tenant_id, Page(sha256=blob.sha256), effect)
        for document in documents:
            if document["status"] != "failed" and upload.document_id in (None, document["document_id"]):
                return document
        return None

    async def _next_version(self, effect: Effect, document_id: str) -> int:
        await self.store.lock(effect, f"document/{document_id}")
        owner = await self.store.owner(effect, document_id)
        if owner is None:
            return 1
        if owner["tenant_id"] != effect.tenant_id:
            raise Permanent("document_id_taken", f"document id {document_id!r} is taken; choose another one")
        return int(owner["version"]) + 1


def _receipt_json(receipt: Receipt) -> dict[str, Any]:
    return {"document_id": receipt.document_id, "version": receipt.version, "status": receipt.status, "duplicate": receipt.duplicate}


def _repeated(earlier: asyncpg.Record, digest: str) -> Receipt:
    if earlier["digest"] != digest:
        raise Permanent("idempotency_key_reused", "this Idempotency-Key came with another request before; use a new key")
    return Receipt(**earlier["response"])
