"""The one place where ingest's parts are chosen and put together."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from faststream.asgi import AsgiFastStream

from contracts.documents import DocumentUploadedV1
from kit.adapters.blobs import ObjectBlobs
from kit.adapters.open_embedding import open_embedding
from kit.floor import Floor, given_or_opened
from kit.periodic import periodically
from kit.ports.embedding import EmbeddingModel
from kit.reconcile import Reconcile
from kit.worker import Wiring, make_worker
from services.ingest.batch import Packer
from services.ingest.chunk import Chunker
from services.ingest.embed import Embedder
from services.ingest.handlers import handlers
from services.ingest.ingest import Ingest, Limits
from services.ingest.isolate import IsolatedParser
from services.ingest.settings import Settings
from services.ingest.store import Store

# Another number when parsing or chunking gives other texts or spans: contents are then extracted anew.
_RECIPE = 1
_SWEEP_S = 60.0


def build(settings: Settings, embedder: EmbeddingModel | None = None) -> AsgiFastStream:
    """The service as an app; `embedder` is given where several services of one process share a model."""

    @asynccontextmanager
    async def wire(floor: Floor) -> AsyncIterator[Wiring]:
        async with AsyncExitStack() as stack:
            model = await given_or_opened(stack, embedder, open_embedding(settings.embedding))
            store = Store(floor.effects)
            reconcile = Reconcile(store.requeue, floor.clock, settings.requeue_after_s, settings.kafka.forgets)
            ingest = _ingest(settings, store, model)
            sweep = partial(periodically, "texts", store.forget_texts, _SWEEP_S, floor.clock)
            yield Wiring(handlers(ingest), jobs=[reconcile.run, sweep], given_up={DocumentUploadedV1: ingest.give_up})

    return make_worker("ingest", settings, wire)


def _ingest(settings: Settings, store: Store, model: EmbeddingModel) -> Ingest:
    return Ingest(
        store=store,
        blobs=ObjectBlobs(settings.blobs.url, settings.blobs.endpoint),
        parse=IsolatedParser().parse,
        chunker=Chunker(model.count_tokens, model.max_tokens),
        embedder=Embedder(model, store, settings.embed_batch),
        packer=Packer(model.name, model.dimensions),
        limits=Limits(settings.max_document_bytes, settings.max_chunks),
        recipe=f"{_RECIPE}/{model.name}",
    )
