"""Paired comparison: the same questions put to two systems."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.evaluator.statistics.bootstrap import USUAL, Clusters, Estimate, Floats, Resampling, bootstrap, cluster_sums, mean
from services.evaluator.statistics.permutation import sign_flip


@dataclass(frozen=True, slots=True)
class Comparison:
    """The mean of ours - theirs with its bootstrap interval, and the two-sided p-value of the permutation test at level `alpha`.

    A difference counts if both say so: where few questions differ, as scores of 0 and 1 often do not, a bootstrap interval is too short.
    """

    difference: Estimate
    p_value: float
    alpha: float

    @property
    def better(self) -> bool:
        """Ours is: the interval is above 0, and chance does not explain it."""
        return self.difference.low > 0 and self.p_value <= self.alpha

    @property
    def worse(self) -> bool:
        """Ours is: the interval is below 0, and chance does not explain it."""
        return self.difference.high < 0 and self.p_value <= self.alpha


def compare(
    ours: Sequence[float], theirs: Sequence[float], clusters: Clusters, rng: np.random.Generator, how: Resampling = USUAL
) -> Comparison:
    """Compares two scores of each question, in the same order. Raises ValueError as `bootstrap` does."""
    differences = np.asarray(ours, float) - np.asarray(theirs, float)
    sums = cluster_sums(differences[:, None], clusters)[:, 0]
    return Comparison(bootstrap(mean(differences), clusters, rng, how), permutation_p(sums, rng, how.resamples), 1 - how.level)


def permutation_p(differences: Floats, rng: np.random.Generator, resamples: int = 10_000) -> float:
    """Two-sided p-value of the sign-flip test of the differences' sum."""
    return sign_flip(differences[:, None], rng, resamples)[0].either
