"""All metrics, in one table: which scores of a case each reads, and how it sums them up.

A score that no metric reads is summed up by its mean under its own name, more being better: a new scorer needs no line here.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from services.evaluator.metrics.aurc import aurc
from services.evaluator.scored import Scored
from services.evaluator.statistics.bootstrap import Floats, Method, Resampling, Statistic, mean
from services.evaluator.statistics.quantile import quantile

# Resamples of a mean, and of what is none, each of which takes a pass over all cases. Of many cases intervals are narrow, and time is not.
_MOST, _MOST_OF_THE_SLOW = 10_000, 2_000
_LEAST, _LEAST_OF_THE_SLOW = 2_000, 400
_MANY_CASES = 10_000

SHARE, MS, USD = "share", "ms", "USD"


@dataclass(frozen=True, slots=True)
class Metric:
    """One number from many scores. `reads` names the scores of a case; `statistic` gets a column of each.

    `most` is the greatest that one case can lose, for scores that have bounds.
    """

    name: str
    reads: tuple[str, ...]
    statistic: Callable[..., Statistic] = mean
    higher_is_better: bool = True
    unit: str = SHARE
    most: float | None = 1.0
    method: Method = Method.BCA

    @property
    def is_mean(self) -> bool:
        """Whether it is a mean of scores, so that it has differences case by case."""
        return self.statistic is mean

    def scores(self, case: Scored) -> tuple[float, ...] | None:
        """The scores it reads of a case; None if one is missing."""
        found = tuple([score for name in self.reads if (score := case.score(name)) is not None])
        return found if len(found) == len(self.reads) else None

    def how(self, resamples: int, level: float, n: int) -> Resampling:
        """At most so many resamples of `n` cases: fewer for what is no mean, and of very many cases."""
        most, least = (_MOST, _LEAST) if self.is_mean else (_MOST_OF_THE_SLOW, _LEAST_OF_THE_SLOW)
        affordable = max(least, most * _MANY_CASES // max(n, _MANY_CASES))
        return Resampling(min(resamples, affordable), level, self.method)


def _share(*names: str) -> list[Metric]:
    return [Metric(name, (name,)) for name in names]


def _area(confidence: Floats, correct: Floats) -> Statistic:
    return aurc(confidence.tolist(), (1 - correct).tolist())


def _latency(percent: int) -> Metric:
    name, share = f"latency_ms_p{percent}", percent / 100
    return Metric(name, ("latency_ms",), lambda values: quantile(values, share), False, MS, None, Method.PERCENTILE)


METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        metric.name: metric
        for metric in [
            *_share("correct", "abstention"),
            Metric("aurc", ("confidence", "correct"), _area, higher_is_better=False, most=None),
            *_share("recall@1", "recall@5", "recall@10", "precision@5", "mrr@10", "ndcg@10"),
            *_share("span_precision", "span_recall", "span_iou"),
            *_share("exact_match", "token_f1", "rouge_l", "answer_contains", "similarity"),
            *_share("citation_precision", "citation_recall", "groundedness"),
            *_share("faithfulness", "answer_relevancy", "correctness", "judge_agreement"),
            *(_latency(percent) for percent in (50, 95)),
            Metric("cost_usd", ("cost_usd",), higher_is_better=False, unit=USD, most=None),
        ]
    }
)
_READ = frozenset(name for metric in METRICS.values() for name in metric.reads)


def metric_of(name: str) -> Metric:
    """The metric of that name; the mean of the scores of that name if the table has none."""
    return METRICS.get(name) or Metric(name, (name,), most=None)


def metrics_of(cases: Iterable[Scored]) -> Sequence[Metric]:
    """The metrics that at least one case has all scores for: those of the table in its order, then the others by name."""
    kinds = {frozenset(name for name in case.scores if case.score(name) is not None) for case in cases}
    others = sorted(frozenset().union(*kinds) - _READ)
    return [metric for metric in [*METRICS.values(), *map(metric_of, others)] if any(kind.issuperset(metric.reads) for kind in kinds)]
