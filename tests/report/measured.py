"""Everything that was measured on one set, its scores, and how systems compare."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from services.evaluator.statistics.bootstrap import Clusters, Estimate, bootstrap, mean, together
from services.evaluator.statistics.paired import Comparison, compare
from tests.report.bm25 import BM25
from tests.report.run import Run
from tests.report.scores import METRICS, Scores, ranking_scores
from tests.report.sets import DataSet
from tests.report.variants import DEFAULT, DENSE, SPARSE

SINGLES = (DENSE, SPARSE, BM25)


@dataclass(frozen=True)
class Measured:
    """`failures` say why a system has no run; `embed_ms` is what a question's vector took, one by one; `definition` is the default's."""

    data: DataSet
    runs: Sequence[Run]
    failures: Mapping[str, str]
    embed_ms: Sequence[float]
    definition: Mapping[str, Any]

    @cached_property
    def scores(self) -> Mapping[str, Scores]:
        """By run and metric, of each question."""
        return {run.name: ranking_scores(run, self.data) for run in self.runs}

    @cached_property
    def clusters(self) -> Clusters:
        """Questions about one paragraph are not independent."""
        return together([question.topic for question in self.data.questions])

    def estimate(self, scores: Sequence[float]) -> Estimate:
        """Their mean; the same resamples for all."""
        return bootstrap(mean(scores), self.clusters, np.random.default_rng(0))

    def compared(self, other: str, metric: str) -> Comparison:
        """The default less the other."""
        ours, theirs = self.scores[DEFAULT][metric], self.scores[other][metric]
        return compare(ours, theirs, self.clusters, np.random.default_rng(0))

    def best_single(self, metric: str) -> str:
        """Which of dense, sparse and BM25 has the highest mean."""
        return max(SINGLES, key=lambda name: float(np.mean(self.scores[name][metric])))


@dataclass(frozen=True, slots=True)
class Verdict:
    """By one metric, on which sets the default is worse than the best single component, and on which it beats BM25 and dense."""

    metric: str
    worse_on: Sequence[str]
    beats_bm25_on: Sequence[str]
    beats_dense_on: Sequence[str]

    @property
    def passed(self) -> bool:
        """What the default must do: never the first, and both of the others on at least two sets."""
        return not self.worse_on and min(len(self.beats_bm25_on), len(self.beats_dense_on)) >= 2


def verdict(measured: Sequence[Measured], metric: str) -> Verdict:
    """Only differences that count, as `Comparison` says."""

    def where(other: str) -> list[str]:
        return [one.data.name for one in measured if one.compared(other, metric).better]

    worse = [one.data.name for one in measured if one.compared(one.best_single(metric), metric).worse]
    return Verdict(metric, worse, where(BM25), where(DENSE))


def verdicts(measured: Sequence[Measured]) -> list[Verdict]:
    """By every metric."""
    return [verdict(measured, metric) for metric in METRICS]
