"""Hybrid search of `VectorStore`: every store fuses alike, and tells where each list had a hit."""

import numpy as np
import pytest

from kit.fusion import Fusion, Place
from kit.ports.vectors import VectorStore
from tests.ports.vector_stores import LOCAL_MODE
from tests.ports.vectors_fixtures import EAST, NORTH, numbers, point, query, vector

pytestmark = LOCAL_MODE

SOUTH = (-1.0, 0.0, 0.0, 0.0)


async def three(store: VectorStore) -> None:
    """Three visible chunks: their cosines to NORTH are 1, 0, -1, and only the last has the word "c"."""
    await store.upsert([point(1, NORTH, text="a"), point(2, EAST, text="b"), point(3, SOUTH, text="c")])
    await store.show("handbook", 1)


async def test_hybrid_search_fuses_both_lists(store: VectorStore) -> None:
    """One chunk is found by its direction alone, one by its words alone, and the one found by both comes first."""
    await store.upsert([point(1, NORTH, text="a"), point(2, EAST, text="budget b"), point(3, (1.0, 0.1, 0.0, 0.0), text="budget c d e")])
    await store.upsert([point(4, SOUTH, text="f")])
    await store.show("handbook", 1)
    found = numbers(await store.search(query(NORTH, "budget", candidates=2)))

    assert (found[0], sorted(found)) == (3, [1, 2, 3])


@pytest.mark.parametrize(
    ("fusion", "order", "scores"),
    [
        (Fusion.DBSF, [3, 1, 2], [2 / 6 + 0.5, 4 / 6, 3 / 6]),
        (Fusion.RRF, [3, 1, 2], [1 / 63 + 1 / 61, 1 / 61, 1 / 62]),
        (Fusion.CONVEX, [1, 2, 3], [0.8, 0.4, 0.2]),
    ],
)
async def test_each_fusion_has_its_scores(store: VectorStore, fusion: Fusion, order: list[int], scores: list[float]) -> None:
    """Cosines 1, 0, -1 beside one sparse hit. DBSF: mean 0, sigma 1; convex with 0.8 for the dense list: 1, 0.5, 0 by 0.8, and 1 by 0.2."""
    await three(store)
    hits = await store.search(query(NORTH, "c", fusion=fusion, fusion_weight=0.8))

    assert numbers(hits) == order
    assert [hit.score for hit in hits] == pytest.approx(scores, abs=1e-5)


async def test_a_hit_tells_its_place_in_each_list(store: VectorStore) -> None:
    """Rank and score, and nothing of a list that did not have it."""
    await three(store)
    both, dense = (await store.search(query(NORTH, "c")))[:2]

    assert both.places.keys() == {"dense", "sparse"}
    assert (both.places["dense"].rank, both.places["dense"].score) == (3, pytest.approx(-1))
    assert (both.places["sparse"].rank, both.places["sparse"].score > 0) == (1, True)
    assert dense.places == {"dense": Place(1, pytest.approx(1))}


async def test_a_single_list_ranks_by_its_own_scores(store: VectorStore) -> None:
    """Whatever fusion is asked for."""
    await three(store)
    hits = await store.search(query(NORTH, fusion=Fusion.RRF))

    assert [hit.score for hit in hits] == pytest.approx([1, 0, -1], abs=1e-6)
    assert [hit.places["dense"].rank for hit in hits] == [1, 2, 3]


async def test_vectors_come_with_the_hits_on_request(store: VectorStore) -> None:
    """Also with those of the sparse list; unasked they are not fetched."""
    await three(store)
    with_vectors = await store.search(query(None, "c", vectors=True))
    without = await store.search(query(NORTH, "c"))

    [only] = [hit.vector for hit in with_vectors]
    assert only is not None
    assert (only.dtype, only.tolist()) == (np.float32, vector(SOUTH).tolist())
    assert [hit.vector for hit in without] == [None] * 3
