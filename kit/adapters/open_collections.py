"""Opens the vector store of the settings for several collections: a folder each in this process, or a server's."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from kit.errors import Permanent
from kit.ports.collections import Collections
from kit.ports.vectors import VectorStore
from kit.settings import VectorEngine, VectorSettings

if TYPE_CHECKING:
    from qdrant_client import AsyncQdrantClient

    from kit.adapters.qdrant_edge import QdrantEdge

# Seconds a call may take.
TIMEOUT_S = 10


@asynccontextmanager
async def open_collections(settings: VectorSettings) -> AsyncIterator[Collections]:
    """Yields the collections of the settings; none is opened yet.

    Raises Permanent `vector_settings_incomplete` if the chosen engine's address is missing. Packages are imported here, so that a service
    needs only those of what it uses. A folder can be opened once: services that share a process share the collections.
    """
    if settings.engine is VectorEngine.EDGE:
        if settings.path is None:
            raise Permanent("vector_settings_incomplete", "the vector engine 'edge' needs a folder; set VECTORS__PATH")
        folders = EdgeCollections(settings.path)
        try:
            yield folders
        finally:
            folders.close()
        return
    if settings.url is None:
        raise Permanent("vector_settings_incomplete", "the vector engine 'server' needs an address; set VECTORS__URL")
    from qdrant_client import AsyncQdrantClient

    key = settings.api_key.get_secret_value() if settings.api_key else None
    client = AsyncQdrantClient(url=settings.url, api_key=key, timeout=TIMEOUT_S, check_compatibility=False)
    try:
        yield ServerCollections(client)
    finally:
        await client.close()


class EdgeCollections:
    """`Collections` in folders below `path`. Call `close` at the end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stores: dict[str, QdrantEdge] = {}

    async def open(self, name: str, dimensions: int) -> VectorStore:
        from kit.adapters.qdrant_edge import QdrantEdge

        store = self._stores.get(name) or QdrantEdge(self._path, name)
        await store.ensure(dimensions)
        return self._stores.setdefault(name, store)

    async def drop(self, name: str) -> None:
        if store := self._stores.pop(name, None):
            store.close()
        await asyncio.to_thread(shutil.rmtree, self._path / name, ignore_errors=True)

    def close(self) -> None:
        """Closes every folder."""
        for store in self._stores.values():
            store.close()
        self._stores.clear()


class ServerCollections:
    """`Collections` of a Qdrant server. The client belongs to the caller."""

    def __init__(self, client: "AsyncQdrantClient") -> None:
        self._client = client
        self._stores: dict[str, VectorStore] = {}

    async def open(self, name: str, dimensions: int) -> VectorStore:
        from kit.adapters.qdrant_server import QdrantServer

        store = self._stores.get(name) or QdrantServer(self._client, name)
        await store.ensure(dimensions)
        return self._stores.setdefault(name, store)

    async def drop(self, name: str) -> None:
        from kit.adapters.qdrant_server import drop_collection

        self._stores.pop(name, None)
        await drop_collection(self._client, name)
