"""Paired comparison: the same questions put to two systems."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.evaluator.statistics.bootstrap import USUAL, Clusters, Estimate, Floats, Resampling, bootstrap, mean

_BATCH = 2_000
_ROUNDING = 1e-12


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
    sums: Floats = np.bincount(clusters, differences).astype(float)
    return Comparison(bootstrap(mean(differences), clusters, rng, how), permutation_p(sums, rng, how.resamples), 1 - how.level)


def permutation_p(differences: Floats, rng: np.random.Generator, resamples: int = 10_000) -> float:
    """Two-sided p-value of the sign-flip test: how often a sum at least as far from 0 comes if each difference's sign is chance.

    All signs are tried if there are at most `resamples` ways, else that many at random, and the observed one is counted among them.
    Sources: Fisher (1935), The Design of Experiments; Phipson and Smyth (2010), Permutation P-values Should Never Be Zero.
    """
    moved = differences[differences != 0]
    least = abs(moved.sum()) * (1 - _ROUNDING)
    if len(moved) < resamples.bit_length():
        ways = np.arange(2 ** len(moved))[:, None] >> np.arange(len(moved)) & 1
        return float(np.mean(np.abs((2 * ways - 1) @ moved) >= least))
    extreme = 0
    for first in range(0, resamples, _BATCH):
        signs = rng.integers(2, size=(min(_BATCH, resamples - first), len(moved)), dtype=np.int8) * 2.0 - 1.0
        extreme += int(np.sum(np.abs(signs @ moved) >= least))
    return (extreme + 1) / (resamples + 1)
