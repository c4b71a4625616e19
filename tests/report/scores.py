"""What a run is worth, question by question."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from services.evaluator.metrics.mrr import reciprocal_rank
from services.evaluator.metrics.ndcg import ndcg
from services.evaluator.metrics.recall import recall
from services.evaluator.metrics.spans import Span, shared, span_scores
from tests.report.run import Run
from tests.report.sets import DataSet, Question

Metric = Callable[[Sequence[str], frozenset[str]], float]
Scores = Mapping[str, Sequence[float]]

METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        "R@1": lambda ranking, gold: recall(ranking, gold, 1),
        "R@5": lambda ranking, gold: recall(ranking, gold, 5),
        "R@10": lambda ranking, gold: recall(ranking, gold, 10),
        "MRR@10": lambda ranking, gold: reciprocal_rank(ranking, gold, 10),
        "nDCG@10": lambda ranking, gold: ndcg(ranking, dict.fromkeys(gold, 1.0), 10),
    }
)
SPANS_AT = 5
SPAN_METRICS = ("precision", "recall", "IoU")


def ranking_scores(run: Run, data: DataSet) -> Scores:
    """Each metric's scores, by question. A document's rank is that of its best chunk."""
    pairs = [_ranked(question, found, run.chunks) for question, found in zip(data.questions, run.found, strict=True)]
    return {name: [metric(ranking, gold) for ranking, gold in pairs] for name, metric in METRICS.items()}


def _ranked(question: Question, found: Sequence[Span], chunks: Sequence[Span]) -> tuple[list[str], frozenset[str]]:
    """What was found, each once, and what should be: documents, or, where the set has places, for each the chunk with most of it."""
    if not question.spans:
        return list(dict.fromkeys(span.document_id for span in found)), question.gold
    gold = frozenset(str(max(chunks, key=lambda chunk: shared(chunk, place))) for place in question.spans)
    return list(dict.fromkeys(map(str, found))), gold


def scores_of_spans(run: Run, data: DataSet) -> Scores:
    """Precision, recall and IoU, in characters, of what the first `SPANS_AT` chunks bring."""
    scores = [span_scores(found[:SPANS_AT], question.spans) for question, found in zip(data.questions, run.found, strict=True)]
    return dict(zip(SPAN_METRICS, zip(*((each.precision, each.recall, each.iou) for each in scores), strict=True), strict=True))
