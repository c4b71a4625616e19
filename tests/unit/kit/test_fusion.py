"""Several rankings become one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.fusion import Fusion, Place, fuse, min_max

SCORES = st.dictionaries(st.sampled_from("abcdefgh"), st.floats(-1e3, 1e3), max_size=8)


def scores(rankings: dict[str, dict[str, float]], fusion: Fusion, weights: dict[str, float] | None = None) -> dict[str, float]:
    """The fused scores by key, in order."""
    fused = fuse({name: list(ranking.items()) for name, ranking in rankings.items()}, fusion, weights)
    return {one.key: one.score for one in fused}


def test_rrf_adds_up_reciprocal_ranks() -> None:
    """1 / (60 + rank), whatever the scores."""
    fused = scores({"x": {"a": 9.0, "b": 8.0}, "y": {"b": 0.2, "c": 0.1}}, Fusion.RRF)

    assert fused == pytest.approx({"b": 1 / 62 + 1 / 61, "a": 1 / 61, "c": 1 / 62})


def test_dbsf_measures_from_the_mean_in_sigmas() -> None:
    """Scores 1, 0, -1 have mean 0 and sample sigma 1, so that one sigma is a sixth; a list without spread gives 0.5."""
    fused = scores({"x": {"a": 1.0, "b": 0.0, "c": -1.0}, "y": {"c": 7.0, "d": 7.0}}, Fusion.DBSF)

    assert fused == pytest.approx({"c": 2 / 6 + 0.5, "a": 4 / 6, "b": 0.5, "d": 0.5})


def test_convex_fusion_weighs_the_lists() -> None:
    """Each from 0 to 1; what one list does not have gets 0 from it."""
    fused = scores({"x": {"a": 30.0, "b": 20.0, "c": 10.0}, "y": {"c": 0.9, "b": 0.1}}, Fusion.CONVEX, {"x": 0.6, "y": 0.4})

    assert fused == pytest.approx({"a": 0.6, "c": 0.4, "b": 0.3})


def test_a_list_of_one_is_evidence_in_convex_fusion() -> None:
    """Being found alone is no reason to count for nothing."""
    assert min_max([3.0]) == [1.0]
    assert min_max([]) == []


def test_a_single_list_keeps_its_scores() -> None:
    """There is nothing to fuse."""
    assert scores({"x": {"b": 7.0, "a": -2.0}}, Fusion.RRF) == {"b": 7.0, "a": -2.0}


def test_equal_scores_are_ordered_by_key() -> None:
    """In each list, where RRF counts ranks, and in the end."""
    first, second = fuse({"x": [("b", 1.0), ("a", 1.0)], "y": [("a", 1.0), ("b", 1.0)]}, Fusion.RRF)

    assert (first.key, second.key) == ("a", "b")
    assert first.places == {"x": Place(1, 1.0), "y": Place(1, 1.0)}


@given(st.dictionaries(st.sampled_from("xyz"), SCORES, min_size=1), st.sampled_from(Fusion))
def test_nothing_is_lost_and_the_best_of_all_lists_comes_first(rankings: dict[str, dict[str, float]], fusion: Fusion) -> None:
    """Of every fusion: all keys once, scores falling; and what leads every list leads."""
    fused = scores(rankings, fusion)
    leaders = {min(ranking, key=lambda key: (-ranking[key], key), default=None) for ranking in rankings.values()}

    assert fused.keys() == {key for ranking in rankings.values() for key in ranking}
    assert sorted(fused.values(), reverse=True) == list(fused.values())
    if len(leaders) == 1 and fused:
        assert fused[leaders.pop()] == max(fused.values())  # type: ignore[index]  # no list is empty if they have one leader
