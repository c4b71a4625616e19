"""The one place where indexer's parts are chosen and put together."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from faststream.asgi import AsgiFastStream

from kit.adapters.bm25 import Bm25Encoder
from kit.adapters.open_collections import open_collections
from kit.floor import Floor, given_or_opened
from kit.ports.collections import Collections
from kit.worker import Wiring, make_worker
from services.indexer.generation_store import GenerationStore
from services.indexer.generations import Generations
from services.indexer.handlers import handlers
from services.indexer.index import Index
from services.indexer.indexes import Indexes
from services.indexer.retire import Retire
from services.indexer.settings import Settings
from services.indexer.store import Store


def build(settings: Settings, collections: Collections | None = None) -> AsgiFastStream:
    """The service as an app; `collections` are given where one process owns the vector store for several services."""

    @asynccontextmanager
    async def wire(floor: Floor) -> AsyncIterator[Wiring]:
        async with AsyncExitStack() as stack:
            opened = await given_or_opened(stack, collections, open_collections(settings.vectors))
            store = GenerationStore(floor.effects)
            indexes = Indexes(store, opened, settings.vectors)
            await indexes.ping()  # a vector store that cannot be opened stops the start
            yield _wiring(floor, store, indexes)

    return make_worker("indexer", settings, wire)


def _wiring(floor: Floor, store: GenerationStore, indexes: Indexes) -> Wiring:
    floor.health.watch("vectors", indexes.ping)
    documents, generations = Store(floor.effects), Generations(store, indexes, floor.clock)
    retire = Retire(documents, indexes, floor.clock)
    return Wiring(handlers(Index(documents, indexes, Bm25Encoder(), retire), generations), jobs=[retire.run, generations.run])
