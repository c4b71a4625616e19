"""Two runs that nobody asked: scores as runs have them, with a regression of a known size in one of them, or none.

A case is hard or easy, and so is its cluster. Most cases end the same way in both runs, as with a model that answers nearly always alike;
the others are drawn anew in each, a cluster's together a little better or worse. Without a regression the two are alike but for chance.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from services.evaluator.scored import Scored
from services.evaluator.statistics.bootstrap import Clusters, Floats

CORRECT, TOKEN_F1, NDCG = "correct", "token_f1", "ndcg@10"
SCORES = (CORRECT, TOKEN_F1, NDCG)
DRAWN_ANEW = 0.2  # of the cases
_LIKES = 1.2  # how hard the mean case is, and how much cases, clusters, and one run's clusters differ, in log odds
_CASES, _CLUSTERS, _RUN = 1.2, 0.8, 0.5
MEANS = {CORRECT: 0.703, TOKEN_F1: 0.622, NDCG: 0.768}  # of two_runs, without a regression
_AFFECTED = 0.5  # of the clusters, a regression falls upon


@dataclass(frozen=True, slots=True)
class Shape:
    """So many cases, each for itself or in clusters of one to `largest` cases."""

    cases: int
    largest: int = 1

    def __str__(self) -> str:
        return f"{self.cases} cases, " + ("apart" if self.largest == 1 else f"in clusters of 1 to {self.largest}")

    def clusters(self, rng: np.random.Generator) -> Clusters:
        """The cluster of each case."""
        sizes = rng.integers(1, self.largest + 1, size=self.cases)
        return np.repeat(np.arange(self.cases), sizes)[: self.cases]


@dataclass(frozen=True, slots=True)
class Regression:
    """The candidate loses `effect` of the mean of one score, by cases that break wholly, in half of the clusters."""

    score: str = CORRECT
    effect: float = 0.0


NONE = Regression()


def greatest(score: str) -> float:
    """The effect that takes all there is of a score in the affected clusters."""
    return MEANS[score] * _AFFECTED


def two_runs(shape: Shape, regression: Regression, rng: np.random.Generator) -> tuple[list[Scored], list[Scored]]:
    """The candidate's cases and the baseline's."""
    clusters = shape.clusters(rng)
    units = int(clusters.max()) + 1
    ease = _LIKES + rng.normal(scale=_CASES, size=shape.cases) + rng.normal(scale=_CLUSTERS, size=units)[clusters]
    same, anew = _scores(ease, rng), rng.uniform(size=shape.cases) < DRAWN_ANEW
    runs = []
    for _ in range(2):
        other = _scores(ease + rng.normal(scale=_RUN, size=units)[clusters], rng)
        runs.append({name: np.where(anew, other[name], same[name]) for name in SCORES})
    if regression.effect:
        runs[0][regression.score] = _broken(runs[0][regression.score], regression, clusters, rng)
    candidate, baseline = (_cases(scores, clusters) for scores in runs)
    return candidate, baseline


def _scores(ease: Floats, rng: np.random.Generator) -> dict[str, Floats]:
    """Right or wrong; a token F1 that is high where right; an nDCG with the gold document at some rank, or nowhere."""
    correct = rng.uniform(size=len(ease)) < 1 / (1 + np.exp(-ease))
    f1 = np.where(correct, rng.beta(8, 2, size=len(ease)), rng.beta(1, 4, size=len(ease)))
    rank = rng.geometric(np.where(correct, 0.7, 0.2))
    return {CORRECT: correct.astype(float), TOKEN_F1: f1, NDCG: np.where(rank <= 10, 1 / np.log2(rank + 1.0), 0.0)}


def _broken(scores: Floats, regression: Regression, clusters: Clusters, rng: np.random.Generator) -> Floats:
    """Cases of the affected clusters score 0, each so likely that `effect` of the mean is lost, but for chance."""
    affected = (rng.uniform(size=int(clusters.max()) + 1) < _AFFECTED)[clusters]
    likely = regression.effect / MEANS[regression.score] / _AFFECTED
    if likely > 1:
        raise ValueError(
            f"{regression.score} cannot lose {regression.effect:.3f}: it has {MEANS[regression.score]} in half of the clusters"
        )
    return np.where(affected & (rng.uniform(size=len(scores)) < likely), 0.0, scores)


def _cases(scores: Mapping[str, Floats], clusters: Clusters) -> list[Scored]:
    return [
        Scored(str(at), {name: float(column[at]) for name, column in scores.items()}, cluster=str(cluster))
        for at, cluster in enumerate(clusters)
    ]
