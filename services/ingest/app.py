"""The one place where ingest's parts are chosen and put together."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from faststream.asgi import AsgiFastStream

from contracts.documents import DocumentReplayedV1, DocumentUploadedV1
from kit.adapters.blobs import ObjectBlobs
from kit.adapters.open_embeddings import Embeddings, open_embeddings
from kit.floor import Floor, given_or_opened
from kit.periodic import periodically
from kit.reconcile import Reconcile
from kit.worker import Wiring, make_worker
from services.ingest.build_store import BuildStore
from services.ingest.handlers import handlers
from services.ingest.ingest import Ingest
from services.ingest.isolate import IsolatedParser
from services.ingest.prepare import Limits, Prepare
from services.ingest.recipes import Recipes
from services.ingest.replay import Replay
from services.ingest.settings import Settings
from services.ingest.store import Store

# Another number when parsing gives other texts: contents are then extracted anew when they are uploaded again.
_PARSER = "1"
_SWEEP_S = 60.0


def build(settings: Settings, models: Embeddings | None = None) -> AsgiFastStream:
    """The service as an app; `models` are given where several services of one process share them."""

    @asynccontextmanager
    async def wire(floor: Floor) -> AsyncIterator[Wiring]:
        async with AsyncExitStack() as stack:
            opened = await given_or_opened(stack, models, open_embeddings(settings.embedding))
            await opened.get()  # one that cannot be opened stops the start
            yield _wiring(settings, floor, opened)

    return make_worker("ingest", settings, wire)


def _wiring(settings: Settings, floor: Floor, models: Embeddings) -> Wiring:
    store, builds = Store(floor.effects), BuildStore(floor.effects)
    recipes = Recipes(builds, store, models, settings.chunker, settings.embed_batch)
    limits, blobs = Limits(settings.max_document_bytes, settings.max_chunks), ObjectBlobs(settings.blobs.url, settings.blobs.endpoint)
    prepare = Prepare(store, blobs, IsolatedParser().parse, limits, _PARSER)
    ingest, replay = Ingest(store, builds, recipes, prepare), Replay(store, builds, recipes, prepare, floor.clock)
    reconciles = [
        Reconcile(requeue, floor.clock, settings.requeue_after_s, settings.kafka.forgets).run for requeue in (store.requeue, builds.requeue)
    ]
    sweeps = [partial(periodically, "texts", forget, _SWEEP_S, floor.clock) for forget in (store.forget_texts, builds.forget)]
    return Wiring(
        handlers(ingest, replay),
        jobs=[*reconciles, *sweeps, replay.run],
        given_up={DocumentUploadedV1: ingest.give_up, DocumentReplayedV1: replay.give_up},
    )
