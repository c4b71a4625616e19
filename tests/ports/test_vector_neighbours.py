"""The neighbours of chunks, the same in the in-memory twin and in every adapter of `VectorStore`."""

import pytest

from kit.errors import DependencyDown
from kit.ports.vectors import Chunk, VectorStore
from tests.ports.vector_stores import LOCAL_MODE
from tests.ports.vectors_fixtures import chunk, point

pytestmark = LOCAL_MODE


def places(found: list[list[Chunk]]) -> list[list[int]]:
    """The places of the chunks, in order."""
    return [[one.chunk_no for one in near] for near in found]


async def test_neighbours_stand_around_a_chunk(store: VectorStore) -> None:
    """In the order of the text, whatever that of writing; at an end of the document there are fewer."""
    await store.upsert([point(n) for n in (5, 3, 1, 4, 2)])
    await store.show("handbook", 1)

    assert places(await store.neighbours([chunk(3), chunk(5), chunk(1)], before=2, after=1)) == [[1, 2, 3, 4], [3, 4, 5], [1, 2]]
    assert places(await store.neighbours([chunk(3)], before=0, after=0)) == [[3]]


async def test_neighbours_are_of_the_same_version(store: VectorStore) -> None:
    """Never of another version, document or tenant."""
    await store.upsert([point(1), point(2), point(13, chunk_no=3, document_version=2), point(14, chunk_no=3, document_id="other")])
    await store.upsert([point(15, chunk_no=1, document_id="theirs", tenant_id="other")])
    for document, version in (("handbook", 1), ("handbook", 2), ("other", 1), ("theirs", 1)):
        await store.show(document, version)

    near = await store.neighbours([chunk(2), chunk(14, chunk_no=3, document_id="other"), chunk(9, document_id="theirs")], 9, 9)
    assert [[one.chunk_id.int for one in group] for group in near] == [[1, 2], [14], []]


async def test_hidden_neighbours_are_not_shown(store: VectorStore) -> None:
    """Neither before their version is shown nor after it is gone."""
    await store.upsert([point(1), point(2)])
    hidden = await store.neighbours([chunk(1)], 1, 1)
    await store.show("handbook", 1)
    shown = await store.neighbours([chunk(1)], 1, 1)
    await store.remove("handbook", below=2)

    assert (places(hidden), places(shown), await store.neighbours([chunk(1)], 1, 1)) == ([[]], [[1, 2]], [[]])


async def test_a_neighbour_of_two_chunks_comes_with_both(store: VectorStore) -> None:
    """Whole, as it was written."""
    await store.upsert([point(1), point(2, text="the middle", metadata={"team": "hr"}), point(3)])
    await store.show("handbook", 1)
    first, last = await store.neighbours([chunk(1), chunk(3)], 1, 1)

    assert first[1] == last[0] == chunk(2, text="the middle", metadata={"team": "hr"})


async def test_no_chunks_have_no_neighbours(store: VectorStore) -> None:
    """And it costs nothing."""
    assert await store.neighbours([], 1, 1) == []


async def test_a_store_that_is_not_open_has_no_neighbours(unopened: VectorStore) -> None:
    """`ensure` comes first."""
    with pytest.raises(DependencyDown):
        await unopened.neighbours([chunk(1)], 1, 1)
