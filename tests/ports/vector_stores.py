"""Every vector store, for the suites of the port; their fixtures reach the tests through conftest.py."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from qdrant_client import AsyncQdrantClient
from testcontainers.community.qdrant import QdrantContainer

from kit.adapters.qdrant_edge import QdrantEdge
from kit.adapters.qdrant_server import QdrantServer
from kit.fakes.vectors import InMemoryVectors
from kit.ports.vectors import VectorStore
from tests.ports.vectors_fixtures import DIMENSIONS
from tests.requirements import require_docker

# The one of docker-compose.yml.
QDRANT_IMAGE = "qdrant/qdrant:v1.19.0-unprivileged"

# The client's local mode has no payload indexes and says so each time; it finds the same without them.
LOCAL_MODE = pytest.mark.filterwarnings("ignore:Payload indexes have no effect:UserWarning")


@pytest.fixture(scope="module")
def qdrant_url() -> Iterator[str]:
    """A Qdrant server in a container."""
    require_docker()
    with QdrantContainer(QDRANT_IMAGE) as server:
        yield f"http://{server.rest_host_address}"


@pytest.fixture(params=["fake", "edge", "client-in-memory", pytest.param("server", marks=pytest.mark.docker)])
async def unopened(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[VectorStore]:
    """Each store, before `ensure`."""
    collection = f"c-{uuid4()}"
    if request.param == "fake":
        yield InMemoryVectors()
    elif request.param == "edge":
        store = QdrantEdge(tmp_path, collection)
        yield store
        store.close()
    else:
        address = {"location": ":memory:"} if request.param == "client-in-memory" else {"url": request.getfixturevalue("qdrant_url")}
        client = AsyncQdrantClient(**address)
        yield QdrantServer(client, collection)
        await client.close()


@pytest.fixture
async def store(unopened: VectorStore) -> VectorStore:
    """Each store, empty."""
    await unopened.ensure(DIMENSIONS)
    return unopened
