"""Bootstrap intervals: how far a number would move if other questions of the same kind had been asked.

A resample is a row of weights: how often each observation was drawn. A statistic is a function of such rows, so that one multiplication
sums up all resamples at once. Observations that hang together, as the questions about one paragraph do, are drawn together: a cluster.
Sources: Efron and Tibshirani (1993), An Introduction to the Bootstrap, chapters 13 and 14; Davison and Hinkley (1997), section 3.8.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
# Shape (resamples, n).
Weights = Floats
# (resamples, n) -> (resamples,)
Statistic = Callable[[Weights], Floats]
# For each of n observations the number of its cluster, from 0.
Clusters = NDArray[np.intp]

_CELLS = 4_000_000  # of a batch of resamples: 32 MB


class Method(StrEnum):
    """How the ends of an interval are read from the resamples. BCa corrects for bias and for an error that grows with the value."""

    PERCENTILE = "percentile"
    BCA = "bca"


@dataclass(frozen=True, slots=True)
class Resampling:
    """How many resamples, and what is read from them; `level` is the share of intervals that hold the truth."""

    resamples: int = 10_000
    level: float = 0.95
    method: Method = Method.BCA


USUAL = Resampling()


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number of `n` observations, and its interval `[low, high]`."""

    value: float
    low: float
    high: float
    n: int


def apart(n: int) -> Clusters:
    """Every one of `n` observations is a cluster of its own."""
    return np.arange(n)


def together(keys: Sequence[Hashable]) -> Clusters:
    """Observations with equal keys are one cluster; clusters are numbered as they come."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], np.intp)


def mean(values: Sequence[float] | Floats) -> Statistic:
    """The weighted mean of `values`."""
    observed = np.asarray(values, float)
    return lambda weights: weights @ observed / weights.sum(axis=1)


def bootstrap(statistic: Statistic, clusters: Clusters, rng: np.random.Generator, how: Resampling = USUAL) -> Estimate:
    """The statistic of all observations with its interval. Raises ValueError with fewer than two clusters: they show no spread."""
    units = int(clusters.max(initial=-1)) + 1
    if units < 2:
        raise ValueError(f"{units} cluster: at least two are needed for an interval")
    value = float(statistic(np.ones((1, len(clusters))))[0])
    found = np.concatenate([statistic(drawn[:, clusters]) for drawn in _draws(units, len(clusters), how.resamples, rng)])
    shares = np.array([0.5 - how.level / 2, 0.5 + how.level / 2])
    if how.method is Method.BCA and np.ptp(found) > 0:
        shares = _corrected(shares, value, found, statistic(_one_left_out(units)[:, clusters]))
    low, high = np.quantile(found, shares)
    return Estimate(value, float(low), float(high), len(clusters))


def _draws(units: int, observations: int, resamples: int, rng: np.random.Generator) -> Iterator[Weights]:
    """How often each unit was drawn, a batch of resamples at a time."""
    batch = max(1, _CELLS // observations)
    for first in range(0, resamples, batch):
        rows = min(batch, resamples - first)
        drawn = rng.integers(units, size=(rows, units)) + units * np.arange(rows)[:, None]
        yield np.bincount(drawn.ravel(), minlength=rows * units).reshape(rows, units).astype(float)


def _one_left_out(units: int) -> Weights:
    return 1.0 - np.eye(units)


def _corrected(shares: Floats, value: float, found: Floats, jackknife: Floats) -> Floats:
    """The shares that BCa reads instead of `shares`."""
    normal = NormalDist()
    below = (np.mean(found < value) + np.mean(found <= value)) / 2
    edge = 0.5 / len(found)
    bias = normal.inv_cdf(min(max(float(below), edge), 1 - edge))
    spread = jackknife.mean() - jackknife
    scale = float((spread**2).sum()) ** 1.5
    acceleration = float((spread**3).sum()) / (6 * scale) if scale else 0.0
    moved = [bias + normal.inv_cdf(share) for share in shares]
    return np.array([normal.cdf(bias + z / (1 - acceleration * z)) for z in moved])
