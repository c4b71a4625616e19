"""The settings choose the vector store."""

from pathlib import Path

import pytest

from kit.adapters.open_vectors import open_vectors
from kit.adapters.qdrant_edge import QdrantEdge
from kit.errors import DependencyDown, Permanent
from kit.settings import VectorEngine, VectorSettings
from tests.ports.vectors_fixtures import DIMENSIONS


async def test_the_engine_in_process_is_opened_and_closed(tmp_path: Path) -> None:
    """Afterwards it is closed, and its folder free for the next."""
    async with open_vectors(VectorSettings(engine=VectorEngine.EDGE, path=tmp_path, dimensions=DIMENSIONS)) as store:
        assert await store.count() == 0

    assert isinstance(store, QdrantEdge)
    with pytest.raises(DependencyDown):
        await store.count()


async def test_a_server_that_does_not_answer_is_told_at_once() -> None:
    """A service does not start without its vector store."""
    with pytest.raises(DependencyDown):
        async with open_vectors(VectorSettings(engine=VectorEngine.SERVER, url="http://127.0.0.1:1")):
            pass


@pytest.mark.parametrize(("engine", "missing"), [(VectorEngine.EDGE, "VECTORS__PATH"), (VectorEngine.SERVER, "VECTORS__URL")])
async def test_a_missing_address_is_named(engine: VectorEngine, missing: str) -> None:
    """The message says which variable to set."""
    with pytest.raises(Permanent, match=missing):
        async with open_vectors(VectorSettings(engine=engine)):
            pass
