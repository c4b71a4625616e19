"""Metrics of a run."""

import numpy as np
import pytest

from services.evaluator.metrics.summary import MetricValue, summarise
from services.evaluator.metrics.table import metric_of, metrics_of
from services.evaluator.scored import Scored
from services.evaluator.statistics.bootstrap import Resampling, bootstrap, mean, together


def cases(scores: dict[str, list[float | None]], clusters: list[str] | None = None) -> list[Scored]:
    """A case a column."""
    return [
        Scored(str(at), dict(zip(scores, row, strict=True)), cluster=clusters[at] if clusters else None)
        for at, row in enumerate(zip(*scores.values(), strict=True))
    ]


def test_a_metric_is_the_mean_of_its_scores_with_the_interval_of_the_cluster_bootstrap() -> None:
    """Of the cases that have the score; the others are counted."""
    values = np.random.default_rng(1).uniform(size=40).tolist()
    keys = [f"paragraph {at // 4}" for at in range(40)]
    expected = bootstrap(mean(values), together(keys), np.random.default_rng(3), Resampling(500))

    found = summarise(cases({"token_f1": [*values, None]}, [*keys, "another"]), 3, 500)

    assert found == [MetricValue("token_f1", pytest.approx(expected.value), expected.low, expected.high, 40, 10, 1)]


def test_a_question_without_an_answer_is_unscored() -> None:
    """Never a zero."""
    answered = [Scored(str(at), {"correct": 1.0}) for at in range(3)]

    found = summarise([*answered, Scored("3", {"correct": 0.0}, error=True)], 0, 100)

    assert [(one.value, one.n, one.unscored) for one in found] == [(1.0, 3, 1)]


def test_one_cluster_has_a_value_and_no_interval() -> None:
    """Whatever it said would be made up."""
    found = summarise(cases({"correct": [1.0, 0.0]}, ["a", "a"]), 0)

    assert found == [MetricValue("correct", 0.5, None, None, 2, 1, 0)]


def test_latency_has_quantiles_and_cost_a_mean() -> None:
    """A hundred answers of 1 to 100 ms."""
    found = {one.metric: one.value for one in summarise(cases({"latency_ms": list(range(1, 101)), "cost_usd": [0.01] * 100}), 0, 200)}

    assert found == pytest.approx({"latency_ms_p50": 50, "latency_ms_p95": 95, "cost_usd": 0.01})


def test_the_area_under_risk_and_coverage_needs_a_confidence() -> None:
    """A sure right answer and an unsure wrong one: (0 + 1/2) / 2."""
    sure = cases({"correct": [1.0, 0.0], "confidence": [0.9, 0.1]})

    assert {one.metric: one.value for one in summarise(sure, 0, 100)} == {"correct": 0.5, "aurc": 0.25}
    assert [one.metric for one in summarise(cases({"correct": [1.0, 0.0]}), 0, 100)] == ["correct"]


def test_a_score_that_the_table_lacks_is_summed_up_all_the_same() -> None:
    """So that a new scorer is one file."""
    found = metrics_of(cases({"politeness": [3.0, 5.0], "correct": [1.0, None], "confidence": [None, None]}))

    assert [metric.name for metric in found] == ["correct", "politeness"]
    assert (metric_of("politeness").higher_is_better, metric_of("politeness").is_mean) == (True, True)


def test_equal_scores_and_seed_give_equal_figures_whatever_else_is_scored() -> None:
    """A further metric moves no interval."""
    f1, rouge = np.random.default_rng(2).uniform(size=(2, 30)).tolist()

    alone, beside = summarise(cases({"token_f1": f1}), 7, 300), summarise(cases({"token_f1": f1, "rouge_l": rouge}), 7, 300)

    assert [(one.value, one.low, one.high) for one in beside[:1]] == [pytest.approx((one.value, one.low, one.high)) for one in alone]


@pytest.mark.parametrize(("cases", "of_a_mean", "of_a_quantile"), [(100, 10_000, 2_000), (10_000, 10_000, 2_000), (50_000, 2_000, 400)])
def test_very_many_cases_are_resampled_less_often(cases: int, of_a_mean: int, of_a_quantile: int) -> None:
    """Their summing up must end within one message."""
    metrics = (metric_of("token_f1"), metric_of("latency_ms_p95"))

    assert [metric.how(10_000, 0.95, cases).resamples for metric in metrics] == [of_a_mean, of_a_quantile]
