"""What a run is worth."""

from collections.abc import Sequence

import pytest

from services.evaluator.metrics.spans import Span
from tests.report.measured import SINGLES, Measured, verdict
from tests.report.run import Run
from tests.report.scores import ranking_scores, scores_of_spans
from tests.report.sets import DataSet, Question
from tests.report.variants import DEFAULT, DENSE

A, B, C = Span("a", 0, 10), Span("a", 10, 20), Span("b", 0, 10)


def run_of(*found: Sequence[Span], name: str = "run") -> Run:
    """A run that found this, a list a question."""
    return Run(name, "test", found, [1.0] * len(found), [A, B, C])


def test_a_document_stands_where_its_best_chunk_does() -> None:
    """Its other chunks take no places: b is second, not third."""
    data = DataSet("set", (), (Question("?", "t", frozenset({"b"})),), 10)

    scores = ranking_scores(run_of([A, B, C]), data)

    assert (scores["R@1"], scores["R@5"], scores["MRR@10"]) == ([0.0], [1.0], [0.5])


def test_an_excerpt_is_found_with_the_chunk_that_has_most_of_it() -> None:
    """Of [8, 16) the second chunk has six characters and the first two."""
    data = DataSet("set", (), (Question("?", "t", frozenset({"a"}), (Span("a", 8, 16),)),), 10)

    assert ranking_scores(run_of([B, A]), data)["R@1"] == [1.0]
    assert ranking_scores(run_of([A, B]), data)["R@1"] == [0.0]


def test_text_that_is_brought_is_counted() -> None:
    """Eight wanted characters in twenty."""
    data = DataSet("set", (), (Question("?", "t", frozenset({"a"}), (Span("a", 8, 16),)),), 10)

    assert scores_of_spans(run_of([A, B]), data) == {"precision": (0.4,), "recall": (1.0,), "IoU": (0.4,)}


def measured(name: str, default: int, others: int) -> Measured:
    """Forty questions, of which the default and each single component find so many."""
    data = DataSet(name, (), tuple(Question(str(number), str(number), frozenset({"a"})) for number in range(40)), 10)
    hits = {DEFAULT: default} | dict.fromkeys(SINGLES, others)
    return Measured(data, [run_of(*[[A]] * count, *[[C]] * (40 - count), name=run) for run, count in hits.items()], {}, [1.0], {})


@pytest.mark.parametrize(
    ("sets", "passed"),
    [([(40, 20), (40, 20), (20, 20)], True), ([(40, 20), (20, 20), (20, 20)], False), ([(40, 20), (40, 20), (20, 40)], False)],
    ids=["better on two", "better on one", "worse on one"],
)
def test_the_default_must_be_better_twice_and_never_worse(sets: list[tuple[int, int]], passed: bool) -> None:
    """By differences that chance does not explain."""
    found = [measured(str(number), *counts) for number, counts in enumerate(sets)]

    assert verdict(found, "R@1").passed is passed
    assert found[0].compared(DENSE, "R@1").difference.value == pytest.approx(0.5)
