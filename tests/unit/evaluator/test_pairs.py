"""Pairs of cases, their slices, and what became of them."""

import pytest

from services.evaluator.metrics.table import metric_of
from services.evaluator.pairs import Change, Pair, Slice, change, count_changes, pair, slices, telling
from services.evaluator.scored import Scored

CORRECT = metric_of("correct")


def case(name: str, correct: float | None = 1.0, text: str = "", error: bool = False, **metadata: str) -> Scored:
    """With one score."""
    return Scored(name, {"correct": correct, "latency_ms": 10 * (correct or 0)}, text, metadata=metadata, error=error)


def test_cases_are_paired_by_their_ids() -> None:
    """In the candidate's order; what one run lacks is no pair."""
    found = pair([case("b"), case("a"), case("x")], [case("a"), case("b"), case("y")])

    assert [(both.candidate.case_id, both.baseline.case_id) for both in found] == [("b", "b"), ("a", "a")]


def test_a_slice_is_a_value_of_metadata_and_a_key_means_all_its_values() -> None:
    """A key that no case has is a slice without cases, so that its rule stays open."""
    cases = [case("a", kind="single"), case("b", kind="multi-hop"), case("c")]

    assert [str(each) for each in slices("kind", cases)] == ["kind=multi-hop", "kind=single"]
    assert slices("kind=single", cases) == [Slice("kind", "single")]
    assert [each.holds(cases[0]) for each in (Slice(), *slices("kind", cases), *slices("topic", cases))] == [True, False, True, False]


@pytest.mark.parametrize(
    ("candidate", "baseline", "expected"),
    [
        (case("a", 1.0), case("a", 0.0), Change.FIXED),
        (case("a", 0.0), case("a", 0.5), Change.BROKEN),
        (case("a", None, error=True), case("a", 0.0), Change.BROKEN),
        (case("a", 0.0), case("a", None, error=True), Change.FIXED),
        (case("a", 1.0, "Five."), case("a", 1.0, "5"), Change.CHANGED),
        (case("a", None, "Five."), case("a", 1.0, "Five."), Change.SAME),
        (case("a", None, error=True), case("a", None, error=True), Change.SAME),
    ],
)
def test_what_became_of_a_case(candidate: Scored, baseline: Scored, expected: Change) -> None:
    """By its score; a question without an answer is worse than any answer."""
    assert change(Pair(candidate, baseline), CORRECT) is expected


def test_less_may_be_better() -> None:
    """A case that became slower is broken, if latency is what counts."""
    assert change(Pair(case("a", 1.0), case("a", 0.5)), metric_of("latency_ms_p95")) is Change.BROKEN
    assert change(Pair(case("a", 1.0), case("a", 0.5)), metric_of("aurc")) is Change.FIXED


@pytest.mark.parametrize(
    ("metric", "score", "higher_is_better"),
    [("correct", "correct", True), ("latency_ms_p95", "latency_ms", False), ("aurc", "correct", True), ("cost_usd", "cost_usd", False)],
)
def test_a_score_tells_what_became_of_a_case(metric: str, score: str, higher_is_better: bool) -> None:
    """Whoever lists cases beside a comparison needs no table of metrics."""
    assert telling(metric_of(metric)) == (score, higher_is_better)


def test_every_kind_of_change_is_counted() -> None:
    """Also those that nothing became of."""
    pairs = [Pair(case("a", 1.0), case("a", 0.0)), Pair(case("b"), case("b"))]

    assert count_changes(pairs, CORRECT) == {"fixed": 1, "broken": 0, "changed": 0, "same": 1}
