"""Metrics of a ranking are those of trec_eval, as `ir-measures` computes them."""

from collections.abc import Callable, Mapping

import ir_measures
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ir_measures import RR, Measure, P, R, nDCG

from services.evaluator.metrics.mrr import reciprocal_rank
from services.evaluator.metrics.ndcg import ndcg
from services.evaluator.metrics.precision import precision
from services.evaluator.metrics.recall import recall

Metric = Callable[[list[str], Mapping[str, int], int], float]

METRICS: list[tuple[Metric, Measure]] = [
    (lambda ranking, gains, k: recall(ranking, relevant(gains), k), R),
    (lambda ranking, gains, k: precision(ranking, relevant(gains), k), P),
    (lambda ranking, gains, k: reciprocal_rank(ranking, relevant(gains), k), RR),
    (ndcg, nDCG),
]
DOCUMENTS = [f"d{number}" for number in range(30)]
RANKINGS = st.lists(st.sampled_from(DOCUMENTS), min_size=1, unique=True)
GAINS = st.dictionaries(st.sampled_from(DOCUMENTS), st.integers(0, 3), min_size=1).filter(lambda gains: any(gains.values()))


def relevant(gains: Mapping[str, int]) -> set[str]:
    """What is worth anything."""
    return {document for document, gain in gains.items() if gain > 0}


def judged(measure: Measure, ranking: list[str], gains: Mapping[str, int]) -> float:
    """What ir-measures gives for one question."""
    run = {"q": {document: float(-place) for place, document in enumerate(ranking)}}
    return float(ir_measures.calc_aggregate([measure], {"q": dict(gains)}, run)[measure])


@pytest.mark.parametrize(("metric", "measure"), METRICS, ids=["recall", "precision", "reciprocal rank", "ndcg"])
@given(ranking=RANKINGS, gains=GAINS, k=st.integers(1, 12))
def test_a_metric_equals_that_of_ir_measures(metric: Metric, measure: Measure, ranking: list[str], gains: dict[str, int], k: int) -> None:
    """To the ninth digit, for graded gains, rankings of any length, and any k."""
    assert metric(ranking, gains, k) == pytest.approx(judged(measure @ k, ranking, gains), abs=1e-9)


@pytest.mark.parametrize("metric", [metric for metric, _ in METRICS])
def test_a_question_without_anything_relevant_has_no_score(metric: Metric) -> None:
    """Neither 0 nor 1 would be true."""
    with pytest.raises(ValueError, match="nothing is relevant"):
        metric(["d1"], {"d1": 0}, 10)


@pytest.mark.parametrize("metric", [metric for metric, _ in METRICS])
def test_what_is_ranked_twice_is_refused(metric: Metric) -> None:
    """It would be found twice, and nDCG could pass 1."""
    with pytest.raises(ValueError, match="ranked twice"):
        metric(["d1", "d1"], {"d1": 1}, 10)


def test_an_empty_ranking_scores_nothing() -> None:
    """It found nothing."""
    assert [metric([], {"d1": 1}, 10) for metric, _ in METRICS] == [0, 0, 0, 0]
