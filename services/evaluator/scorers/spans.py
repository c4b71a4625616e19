"""Spans: how much of the gold text was retrieved, and how much else came with it."""

from collections.abc import Iterable, Mapping

from kit.datasets.case import Case, Gold
from services.evaluator.answered import Answered
from services.evaluator.metrics.spans import Span, span_scores
from services.evaluator.scorers.by_rule import ByRule
from services.evaluator.scorers.reasons import NO_SPANS, UNANSWERABLE
from services.evaluator.scorers.scorer import Judgement, Score, Scorer
from services.evaluator.scorers.tools import Tools

_NAMES = ("span_precision", "span_recall", "span_iou")


def make(_: Tools) -> Scorer:
    """Its scorer."""
    return ByRule(_NAMES, spans)


def spans(case: Case, answer: Answered) -> Mapping[str, Judgement]:
    """Compares the passages that the answer was written from with the gold spans."""
    relevant = spans_of(case.gold)
    if not relevant:
        return dict.fromkeys(_NAMES, NO_SPANS if case.answerable else UNANSWERABLE)
    retrieved = [Span(passage.document_id, passage.start, passage.end) for passage in answer.passages]
    scores = span_scores(retrieved, relevant)
    brought = sum(span.end - span.start for span in retrieved)
    evidence = f"{len(relevant)} gold spans; {len(retrieved)} passages of {brought} characters"
    return {name: Score(value, evidence) for name, value in zip(_NAMES, (scores.precision, scores.recall, scores.iou), strict=True)}


def spans_of(gold: Iterable[Gold]) -> list[Span]:
    """The gold whose place is known."""
    return [Span(one.document_id, one.start, one.end) for one in gold if one.start is not None and one.end is not None]
