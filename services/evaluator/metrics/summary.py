"""Sums the scores of a run up: every metric that its cases have scores for, with an interval."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.evaluator.metrics.table import Metric, metrics_of
from services.evaluator.scored import Scored
from services.evaluator.statistics.bootstrap import Clusters, Estimate, Statistic, together
from services.evaluator.statistics.draw import Places, Wanted, draw, places_of

LEVEL = 0.95
RESAMPLES = 10_000


@dataclass(frozen=True, slots=True)
class MetricValue:
    """A metric over the `n` cases of so many clusters that have its scores; `unscored` cases have not, those with errors included.

    With one cluster `low` and `high` are None: one cluster shows no spread.
    """

    metric: str
    value: float
    low: float | None
    high: float | None
    n: int
    clusters: int
    unscored: int


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """The cases, by their places in a list, that have all scores of a metric."""

    metric: Metric
    places: Places
    clusters: Clusters
    statistic: Statistic

    @property
    def n(self) -> int:
        """How many cases there are."""
        return len(self.clusters)

    @property
    def units(self) -> int:
        """How many clusters they are of."""
        return int(self.clusters.max(initial=-1)) + 1

    def wanted(self, resamples: int, level: float) -> Wanted:
        """What is to be resampled."""
        return Wanted((self.statistic,), self.places, self.clusters, self.metric.how(resamples, level, self.n))

    def value(self) -> float:
        """The metric, without an interval."""
        return float(self.statistic(np.ones((1, self.n)))[0])


def summarise(scored: Sequence[Scored], seed: int, resamples: int = RESAMPLES) -> list[MetricValue]:
    """All metrics with 95 % intervals of the cluster bootstrap; a metric that no case has scores for is left out."""
    samples = [sample(metric, scored) for metric in metrics_of(scored)]
    spread = [one for one in samples if one.units > 1]
    drawn = draw([one.wanted(resamples, LEVEL) for one in spread], seed)
    ends = {one.metric.name: found[0].estimate(LEVEL) for one, found in zip(spread, drawn, strict=True)}
    return [_value(one, ends, len(scored)) for one in samples]


def sample(metric: Metric, scored: Sequence[Scored]) -> Sample:
    """The cases that have all scores of the metric, of which there must be one."""
    found = [(place, scores) for place, case in enumerate(scored) if (scores := metric.scores(case)) is not None]
    places, rows = zip(*found, strict=True)
    clusters = together([scored[place].unit for place in places])
    return Sample(metric, places_of(places), clusters, metric.statistic(*np.array(rows, float).T))


def _value(one: Sample, ends: dict[str, Estimate], cases: int) -> MetricValue:
    estimate, n = ends.get(one.metric.name), one.n
    low, high = (estimate.low, estimate.high) if estimate else (None, None)
    return MetricValue(one.metric.name, one.value(), low, high, n, one.units, cases - n)
