"""Samples: the cases on which a metric is looked at, of one run or paired of two."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.evaluator.gate import Rule
from services.evaluator.metrics.table import Metric
from services.evaluator.pairs import Pair, Slice
from services.evaluator.scored import Scored
from services.evaluator.statistics.bootstrap import Clusters, Floats, mean, together
from services.evaluator.statistics.draw import Places, Wanted, places_of

EVERYTHING = Slice()


@dataclass(frozen=True, slots=True)
class Asked:
    """A metric on a slice, with the rule that asks for it, if one does."""

    metric: Metric
    slice: Slice = EVERYTHING
    rule: Rule | None = None

    @property
    def compares(self) -> bool:
        """Whether a rule asks for a difference."""
        return self.rule is not None and self.rule.rule.compares


@dataclass(frozen=True, slots=True, eq=False)
class Sampled:
    """The cases on which a metric is looked at, with the scores it reads: a row a score, a column a case; no `theirs`: no baseline."""

    asked: Asked
    places: Places
    clusters: Clusters
    ours: Floats
    theirs: Floats | None
    lost: int

    @property
    def n(self) -> int:
        """How many cases there are."""
        return len(self.clusters)

    @property
    def units(self) -> int:
        """How many clusters there are."""
        return int(self.clusters.max(initial=-1)) + 1

    @property
    def differences(self) -> Floats | None:
        """Case by case, more being better; None if the metric is no mean or there is no baseline."""
        if self.theirs is None or not self.asked.metric.is_mean:
            return None
        found: Floats = (self.ours - self.theirs)[0]
        return found if self.asked.metric.higher_is_better else -found

    @property
    def is_binary(self) -> bool:
        """Whether each cluster is one case, which both runs got right or wrong."""
        scores = self.ours if self.theirs is None else np.hstack([self.ours, self.theirs])
        return self.units == self.n and bool(np.isin(scores, (0, 1)).all())

    def wanted(self, resamples: int, level: float) -> Wanted:
        """The statistic of ours, of theirs, and of their difference, if that is not the difference of the two."""
        metric = self.asked.metric
        columns = [self.ours] if self.theirs is None else [self.ours, self.theirs]
        both = [metric.statistic(*each) for each in columns]
        differences = [mean((self.ours - self.theirs)[0])] if self.theirs is not None and metric.is_mean else []
        return Wanted((*both, *differences), self.places, self.clusters, metric.how(resamples, level, self.n))


def of_pairs(asked: Asked, pairs: Sequence[Pair]) -> Sampled:
    """The pairs of the slice that have the scores on both sides."""
    found = [
        (place, both, asked.metric.scores(both.candidate), asked.metric.scores(both.baseline))
        for place, both in enumerate(pairs)
        if asked.slice.holds(both.candidate)
    ]
    whole = [(place, both, ours, theirs) for place, both, ours, theirs in found if ours is not None and theirs is not None]
    lost = sum(ours is None and theirs is not None for _, _, ours, theirs in found)
    clusters = together([both.candidate.unit for _, both, _, _ in whole])
    ours, theirs = (_columns(asked.metric, rows) for rows in ([row[2] for row in whole], [row[3] for row in whole]))
    return Sampled(asked, places_of([place for place, *_ in whole]), clusters, ours, theirs, lost)


def of_one(asked: Asked, cases: Sequence[Scored]) -> Sampled:
    """The cases of the slice that have the scores."""
    found = [(place, case, asked.metric.scores(case)) for place, case in enumerate(cases) if asked.slice.holds(case)]
    scored = [(place, case, scores) for place, case, scores in found if scores is not None]
    clusters = together([case.unit for _, case, _ in scored])
    ours = _columns(asked.metric, [scores for *_, scores in scored])
    return Sampled(asked, places_of([place for place, *_ in scored]), clusters, ours, None, 0)


def _columns(metric: Metric, rows: Sequence[tuple[float, ...] | None]) -> Floats:
    return np.array(rows, float).reshape(-1, len(metric.reads)).T
