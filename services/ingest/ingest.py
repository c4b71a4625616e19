"""The verb of this service: an uploaded document becomes embedded chunks, or is rejected with the reason."""

from dataclasses import dataclass

import structlog

from contracts.chunks import ChunksDeletedV1, ChunksEmbeddedV1
from contracts.codec import Received
from contracts.documents import DocumentDeletedV1, DocumentRejectedV1, DocumentUploadedV1
from kit.errors import Permanent, Rejected, WorkbenchError
from services.ingest.build_store import BuildStore
from services.ingest.prepare import Prepare
from services.ingest.recipes import Recipe, Recipes
from services.ingest.store import Content, Store

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Ingest:
    """Works for the generation that queries use, and tells the others in the same commit."""

    store: Store
    builds: BuildStore
    recipes: Recipes
    prepare: Prepare

    async def upload(self, event: Received[DocumentUploadedV1]) -> None:
        """Handles `docs.uploaded`. Raises Rejected, after the document is marked failed, if it cannot be ingested."""
        if not await self._is_newest(event):
            await self.store.skip(event)
            return
        await self.store.begin(event)
        try:
            recipe = await self.recipes.active()
            await self._tell(event, recipe, await self._embedded(event, recipe))
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

    async def _embedded(self, event: Received[DocumentUploadedV1], recipe: Recipe) -> list[ChunksEmbeddedV1]:
        upload, content = event.data, Content(event.envelope.tenant_id, event.data.blob.sha256)
        document = await self.prepare.extract(upload, content)
        await self.prepare.cut(upload, content, document, recipe)
        await self.store.note_chunks(upload, content, recipe.key)
        batches = await self.prepare.embed(upload, content, document, recipe)
        log.info("document.embedded", document_id=upload.document_id, version=upload.document_version, generation=recipe.generation)
        return batches

    async def _tell(self, event: Received[DocumentUploadedV1], recipe: Recipe, batches: list[ChunksEmbeddedV1]) -> None:
        async with self.store.finishing(event) as (effect, newest):
            if newest:
                for batch in batches:
                    await effect.publish(batch, part=batch.batch_no)
                await self.builds.embedded(effect, event.data, recipe.generation, recipe.key)

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
