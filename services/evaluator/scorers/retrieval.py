"""Retrieval: whether the gold documents were found, and how high they stand."""

from collections.abc import Callable, Mapping, Set

from kit.datasets.case import Case
from services.evaluator.answered import Answered
from services.evaluator.metrics.mrr import reciprocal_rank
from services.evaluator.metrics.ndcg import ndcg
from services.evaluator.metrics.precision import precision
from services.evaluator.metrics.recall import recall
from services.evaluator.scorers.by_rule import ByRule
from services.evaluator.scorers.reasons import NO_GOLD, UNANSWERABLE
from services.evaluator.scorers.scorer import Judgement, Score, Scorer
from services.evaluator.scorers.tools import Tools

_Measure = Callable[[list[str], Set[str]], float]
_MEASURES: Mapping[str, _Measure] = {
    "recall@1": lambda ranking, gold: recall(ranking, gold, 1),
    "recall@5": lambda ranking, gold: recall(ranking, gold, 5),
    "recall@10": lambda ranking, gold: recall(ranking, gold, 10),
    "precision@5": lambda ranking, gold: precision(ranking, gold, 5),
    "mrr@10": lambda ranking, gold: reciprocal_rank(ranking, gold, 10),
    "ndcg@10": lambda ranking, gold: ndcg(ranking, dict.fromkeys(gold, 1.0), 10),
}


def make(_: Tools) -> Scorer:
    """Its scorer."""
    return ByRule(tuple(_MEASURES), retrieval)


def retrieval(case: Case, answer: Answered) -> Mapping[str, Judgement]:
    """Measures the documents of the passages that the answer was written from, each where its best passage stands."""
    gold = {one.document_id for one in case.gold}
    if not gold:
        return dict.fromkeys(_MEASURES, NO_GOLD if case.answerable else UNANSWERABLE)
    ranking = list(dict.fromkeys(passage.document_id for passage in answer.passages))
    found = [f"{document_id} at {ranking.index(document_id) + 1}" for document_id in ranking if document_id in gold]
    missed = sorted(gold - set(ranking))
    evidence = "; ".join([*found, *(f"{document_id} not found" for document_id in missed)])
    return {name: Score(measure(ranking, gold), evidence) for name, measure in _MEASURES.items()}
