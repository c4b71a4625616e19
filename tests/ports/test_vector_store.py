"""The promise of `VectorStore`, kept by the in-memory twin and by every adapter."""

import asyncio
from math import log

import pytest

from kit.errors import DependencyDown, Permanent
from kit.ports.vectors import VectorStore
from tests.ports.vector_stores import LOCAL_MODE
from tests.ports.vectors_fixtures import DIMENSIONS, EAST, NORTH, numbers, point, query

pytestmark = LOCAL_MODE


async def test_a_point_is_hidden_until_its_version_is_shown(store: VectorStore) -> None:
    """Half an upload must never be found."""
    await store.upsert([point(1)])
    before = await store.search(query())
    await store.show("handbook", 1)

    assert before == []
    assert numbers(await store.search(query())) == [1]


async def test_showing_a_version_shows_no_other(store: VectorStore) -> None:
    """Neither another version of the document nor another document becomes visible."""
    await store.upsert([point(1), point(2, document_version=2), point(3, document_id="other")])
    await store.show("handbook", 2)

    assert numbers(await store.search(query())) == [2]


async def test_a_tenant_finds_only_its_own(store: VectorStore) -> None:
    """The other tenant's chunk is nearer, and still not found."""
    await store.upsert([point(1, EAST), point(2, NORTH, tenant_id="other", document_id="theirs")])
    await store.show("handbook", 1)
    await store.show("theirs", 1)

    assert numbers(await store.search(query(NORTH, "text"))) == [1]
    assert numbers(await store.search(query(NORTH, "text", tenant_id="other"))) == [2]


async def test_removing_takes_every_older_version(store: VectorStore) -> None:
    """Shown and hidden ones, and nothing of another document."""
    await store.upsert([point(n, document_version=n) for n in (1, 2, 3)])
    await store.upsert([point(4, document_id="other")])
    await store.show("handbook", 1)
    await store.show("handbook", 3)
    await store.remove("handbook", below=3)

    assert numbers(await store.search(query())) == [3]
    assert await store.count() == 2


async def test_writing_twice_is_writing_once(store: VectorStore) -> None:
    """A redelivery before the version is shown changes nothing."""
    await store.upsert([point(1), point(2)])
    await store.upsert([point(1), point(2)])

    assert await store.count() == 2


async def test_a_shown_point_stays_as_it_is(store: VectorStore) -> None:
    """A redelivery after the version was shown neither hides nor changes it, and still brings what was missing."""
    await store.upsert([point(1, text="first")])
    await store.show("handbook", 1)
    await store.upsert([point(1, EAST, text="second"), point(2)])

    [hit] = await store.search(query())
    assert (hit.chunk.text, await store.count()) == ("first", 2)


async def test_a_hidden_point_is_overwritten(store: VectorStore) -> None:
    """What a crashed attempt left behind gives way to the next attempt."""
    await store.upsert([point(1, text="first")])
    await store.upsert([point(1, text="second")])
    await store.show("handbook", 1)

    [hit] = await store.search(query())
    assert hit.chunk.text == "second"


async def test_dense_search_ranks_by_cosine(store: VectorStore) -> None:
    """The nearer direction first, with its cosine as score."""
    await store.upsert([point(1, EAST), point(2, (1.0, 1.0, 0.0, 0.0)), point(3, NORTH)])
    await store.show("handbook", 1)
    hits = await store.search(query(NORTH))

    assert numbers(hits) == [3, 2, 1]
    assert [hit.score for hit in hits] == pytest.approx([1.0, 0.5**0.5, 0.0], abs=1e-6)


async def test_sparse_search_finds_only_shared_terms(store: VectorStore) -> None:
    """A chunk without any of the words is not in the list."""
    await store.upsert([point(1, text="holiday policy"), point(2, text="travel policy"), point(3, text="nothing of it")])
    await store.show("handbook", 1)

    assert numbers(await store.search(query(None, "travel policy"))) == [2, 1]


async def test_a_rare_term_outweighs_a_common_one(store: VectorStore) -> None:
    """The store multiplies by the IDF factor, ln((N - n + 0.5) / (n + 0.5) + 1)."""
    rare = point(5, text="rare")
    await store.upsert([*(point(n, text="common") for n in range(1, 5)), rare])
    await store.show("handbook", 1)
    [hit] = await store.search(query(None, "common rare", limit=1))

    assert hit.chunk == rare.chunk
    assert hit.score == pytest.approx(rare.sparse.values[0] * log((5 - 1 + 0.5) / (1 + 0.5) + 1), rel=1e-5)


async def test_words_without_terms_leave_the_dense_list(store: VectorStore) -> None:
    """An empty sparse vector, in a question or in a chunk, is no error."""
    await store.upsert([point(1, EAST, text="..."), point(2, NORTH)])
    await store.show("handbook", 1)

    assert numbers(await store.search(query(NORTH, "..."))) == [2, 1]
    assert await store.search(query(None, "...")) == []
    assert await store.search(query(None)) == []


async def test_equal_scores_are_ordered_by_chunk_id(store: VectorStore) -> None:
    """Whatever the order of writing."""
    await store.upsert([point(n) for n in (3, 1, 4, 2)])
    await store.show("handbook", 1)

    assert numbers(await store.search(query(NORTH))) == [1, 2, 3, 4]
    assert numbers(await store.search(query(NORTH, "text"))) == [1, 2, 3, 4]


async def test_a_search_gives_at_most_its_limit(store: VectorStore) -> None:
    """Of each kind of search."""
    await store.upsert([point(n) for n in range(1, 6)])
    await store.show("handbook", 1)

    found = [await store.search(query(direction, text, limit=2)) for direction, text in ((NORTH, None), (None, "text"), (NORTH, "text"))]
    assert [len(hits) for hits in found] == [2, 2, 2]


async def test_a_chunk_comes_back_whole(store: VectorStore) -> None:
    """Every field, metadata and Unicode included."""
    written = point(
        7, text="Über 25 °C — naïve 🙂", page=3, heading="Hitze › Büro", metadata={"team": "hr", "año": "2026"}, start=12, end=33
    )
    await store.upsert([written])
    await store.show("handbook", 1)

    [hit] = await store.search(query())
    assert hit.chunk == written.chunk


async def test_counting_includes_hidden_points(store: VectorStore) -> None:
    """All of them, or those of one document."""
    await store.upsert([point(1), point(2), point(3, document_id="other")])

    assert [await store.count(), await store.count("handbook"), await store.count("unknown")] == [3, 2, 0]


async def test_a_vector_of_wrong_length_is_refused(store: VectorStore) -> None:
    """Nothing of the write stays, and a question fails alike."""
    with pytest.raises(Permanent, match="3 dimensions came to a collection of 4"):
        await store.upsert([point(1), point(2, (1.0, 0.0, 0.0))])
    with pytest.raises(Permanent, match="3 dimensions"):
        await store.search(query((1.0, 0.0, 0.0)))

    assert await store.count() == 0


async def test_ensuring_twice_keeps_the_points(store: VectorStore) -> None:
    """The collection is made once."""
    await store.upsert([point(1)])
    await store.ensure(DIMENSIONS)

    assert await store.count() == 1


async def test_ensuring_other_dimensions_is_refused(store: VectorStore) -> None:
    """A collection belongs to one embedding model."""
    with pytest.raises(Permanent) as refused:
        await store.ensure(DIMENSIONS + 1)

    assert refused.value.code == "vector_dimensions"


async def test_a_store_that_is_not_open_says_so(unopened: VectorStore) -> None:
    """`ensure` comes first."""
    with pytest.raises(DependencyDown) as refused:
        await unopened.search(query())

    assert refused.value.code == "vector_store_not_open"


async def test_readers_and_writers_work_at_once(store: VectorStore) -> None:
    """While 300 points are written and shown, every search answers, and in the end all are found."""
    writes = [store.upsert([point(n, document_id=f"d{n % 3}") for n in range(k, k + 100)]) for k in (1, 101, 201)]
    await asyncio.gather(*writes, *(store.search(query(NORTH, "text")) for _ in range(20)))
    await asyncio.gather(*(store.show(f"d{n}", 1) for n in range(3)), *(store.search(query(NORTH, "text")) for _ in range(20)))

    assert len(await store.search(query(NORTH, limit=500))) == 300
