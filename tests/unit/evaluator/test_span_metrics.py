"""Precision, recall and IoU of spans are those of the sets of places they cover."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.evaluator.metrics.spans import Span, SpanScores, shared, span_scores

SPANS = st.builds(
    lambda document, start, length: Span(document, start, start + length), st.sampled_from("ab"), st.integers(0, 30), st.integers(1, 9)
)


def places(spans: list[Span]) -> list[tuple[str, int]]:
    """Every place, as often as it is covered."""
    return [(span.document_id, at) for span in spans for at in range(span.start, span.end)]


@given(retrieved=st.lists(SPANS, min_size=1, max_size=6), relevant=st.lists(SPANS, min_size=1, max_size=4))
def test_scores_are_those_of_counted_places(retrieved: list[Span], relevant: list[Span]) -> None:
    """By the definition, place by place."""
    wanted, brought = set(places(relevant)), places(retrieved)
    both = len(wanted & set(brought))

    scores = span_scores(retrieved, relevant)

    expected = (both / len(brought), both / len(wanted), both / (len(wanted) + len(brought) - both))
    assert (scores.precision, scores.recall, scores.iou) == pytest.approx(expected, abs=1e-9)


def test_text_that_comes_twice_costs_precision_but_not_recall() -> None:
    """As with overlapping chunks."""
    wanted = [Span("a", 0, 10)]

    assert span_scores([Span("a", 0, 10), Span("a", 0, 10)], wanted) == SpanScores(0.5, 1.0, 0.5)


def test_spans_of_other_documents_share_nothing() -> None:
    """Equal offsets elsewhere are another text."""
    assert shared(Span("a", 0, 10), Span("b", 0, 10)) == 0


def test_nothing_retrieved_scores_nothing() -> None:
    """Nothing was brought."""
    assert span_scores([], [Span("a", 0, 10)]) == SpanScores(0.0, 0.0, 0.0)


def test_a_question_without_relevant_text_has_no_score() -> None:
    """There is nothing to find."""
    with pytest.raises(ValueError, match="no text is relevant"):
        span_scores([Span("a", 0, 10)], [])
