"""The one place where indexer's parts are chosen and put together."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from faststream.asgi import AsgiFastStream

from kit.adapters.bm25 import Bm25Encoder
from kit.adapters.open_vectors import open_vectors
from kit.floor import Floor, given_or_opened
from kit.ports.vectors import VectorStore
from kit.worker import Wiring, make_worker
from services.indexer.handlers import handlers
from services.indexer.index import Index
from services.indexer.retire import Retire
from services.indexer.settings import Settings
from services.indexer.store import Store


def build(settings: Settings, vectors: VectorStore | None = None) -> AsgiFastStream:
    """The service as an app; `vectors` is given where one process owns the vector store for several services."""

    @asynccontextmanager
    async def wire(floor: Floor) -> AsyncIterator[Wiring]:
        async with AsyncExitStack() as stack:
            points = await given_or_opened(stack, vectors, open_vectors(settings.vectors))
            floor.health.watch("vectors", points.count)
            store = Store(floor.effects)
            retire = Retire(store, points, floor.clock)
            yield Wiring(handlers(Index(store, points, Bm25Encoder(), retire)), jobs=[retire.run])

    return make_worker("indexer", settings, wire)
