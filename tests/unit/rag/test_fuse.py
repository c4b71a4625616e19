"""Several searches for one question."""

import pytest

from kit.fusion import Fusion, Place
from kit.ports.vectors import Hit
from services.rag.fuse import fused
from tests.ports.vectors_fixtures import chunk, numbers, vector


def hits(*ranked: int) -> list[Hit]:
    """A search that found these chunks in this order."""
    return [Hit(chunk(number), 1 / rank, {"dense": Place(rank, 1 / rank)}) for rank, number in enumerate(ranked, 1)]


def test_what_every_phrasing_finds_comes_first() -> None:
    """By reciprocal ranks."""
    found = fused({"asked": hits(1, 2), "rewritten": hits(2, 3)}, Fusion.RRF, limit=2)

    assert numbers(found) == [2, 1]
    assert found[0].score == pytest.approx(1 / 62 + 1 / 61)


def test_a_hit_tells_where_each_search_had_it() -> None:
    """The search's rank, and that in its own list."""
    [first, *_] = fused({"asked": hits(1, 2), "rewritten": hits(2)}, Fusion.RRF, limit=5)

    assert first.places == {
        "asked": Place(2, 0.5),
        "asked.dense": Place(2, 0.5),
        "rewritten": Place(1, 1.0),
        "rewritten.dense": Place(1, 1.0),
    }


def test_one_search_stays_as_it_is() -> None:
    """Scores, places and vectors."""
    only = [Hit(chunk(1), 3.0, {"sparse": Place(1, 3.0)}, vector((1.0, 0.0))), *hits(2)]

    assert fused({"asked": only}, Fusion.RRF, limit=1) == only[:1]
