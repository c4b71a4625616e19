"""Collections of vectors, one for each index generation: in memory, in folders, and of a server."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from qdrant_client import AsyncQdrantClient

from kit.adapters.open_collections import EdgeCollections, ServerCollections
from kit.errors import Permanent
from kit.fakes.collections import InMemoryCollections
from kit.ports.collections import Collections, collection_of
from tests.ports.vector_stores import LOCAL_MODE
from tests.ports.vectors_fixtures import DIMENSIONS, NORTH, point

pytestmark = LOCAL_MODE


@pytest.fixture(params=["fake", "edge", "client-in-memory"])
async def collections(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Collections]:
    """Each, without any yet."""
    if request.param == "fake":
        yield InMemoryCollections()
    elif request.param == "edge":
        folders = EdgeCollections(tmp_path)
        yield folders
        folders.close()
    else:
        client = AsyncQdrantClient(location=":memory:")
        yield ServerCollections(client)
        await client.close()


async def test_what_is_written_to_one_is_not_in_another(collections: Collections) -> None:
    """Each may have vectors of another length."""
    one, other = await collections.open("one", DIMENSIONS), await collections.open("other", DIMENSIONS + 1)

    await one.upsert([point(1, NORTH)])

    assert (await one.count(), await other.count()) == (1, 0)


async def test_a_collection_is_opened_once(collections: Collections) -> None:
    """Again gives the same store, and another length is refused."""
    store = await collections.open("one", DIMENSIONS)

    assert await collections.open("one", DIMENSIONS) is store
    with pytest.raises(Permanent, match="collection of 4"):
        await collections.open("one", DIMENSIONS + 1)


async def test_a_dropped_collection_is_gone_with_its_points(collections: Collections) -> None:
    """One that is not there is no error; the name can be used again, for vectors of any length."""
    await (await collections.open("one", DIMENSIONS)).upsert([point(1, NORTH)])

    await collections.drop("one")
    await collections.drop("never")

    assert await (await collections.open("one", DIMENSIONS + 1)).count() == 0


def test_the_first_generation_keeps_the_name_of_the_settings() -> None:
    """So that what was indexed before there were generations is the first."""
    assert [collection_of("chunks", name) for name in ("g1", "g2")] == ["chunks", "chunks-g2"]
