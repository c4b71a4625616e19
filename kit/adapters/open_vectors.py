"""Chooses the vector store by the settings, and closes it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kit.errors import Permanent
from kit.ports.vectors import VectorStore
from kit.settings import VectorEngine, VectorSettings

# Seconds a call may take.
TIMEOUT_S = 10


@asynccontextmanager
async def open_vectors(settings: VectorSettings) -> AsyncIterator[VectorStore]:
    """Yields the store of the settings, its collection open.

    Raises Permanent `vector_settings_incomplete` if the chosen engine's address is missing, and whatever `ensure` raises.
    Packages are imported here, so that a service needs only those of what it uses. A folder can be opened once: services that share a
    process share the store.
    """
    if settings.engine is VectorEngine.EDGE:
        async with _edge(settings) as store:
            yield store
    else:
        async with _server(settings) as store:
            yield store


@asynccontextmanager
async def _edge(settings: VectorSettings) -> AsyncIterator[VectorStore]:
    from kit.adapters.qdrant_edge import QdrantEdge

    if settings.path is None:
        raise Permanent("vector_settings_incomplete", "the vector engine 'edge' needs a folder; set VECTORS__PATH")
    store = QdrantEdge(settings.path, settings.collection)
    try:
        await store.ensure(settings.dimensions)
        yield store
    finally:
        store.close()


@asynccontextmanager
async def _server(settings: VectorSettings) -> AsyncIterator[VectorStore]:
    from qdrant_client import AsyncQdrantClient

    from kit.adapters.qdrant_server import QdrantServer

    if settings.url is None:
        raise Permanent("vector_settings_incomplete", "the vector engine 'server' needs an address; set VECTORS__URL")
    key = settings.api_key.get_secret_value() if settings.api_key else None
    client = AsyncQdrantClient(url=settings.url, api_key=key, timeout=TIMEOUT_S, check_compatibility=False)
    try:
        store = QdrantServer(client, settings.collection)
        await store.ensure(settings.dimensions)
        yield store
    finally:
        await client.close()
