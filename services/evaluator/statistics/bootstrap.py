"""Bootstrap intervals: how far a number would move if other questions of the same kind had been asked.

A resample is a row of weights: how often each observation was drawn. A statistic is a function of such rows, so that one multiplication
sums up all resamples at once. Observations that hang together, as the questions about one paragraph do, are drawn together: a cluster.
Sources: Efron and Tibshirani (1993), An Introduction to the Bootstrap, chapters 13 and 14; Davison and Hinkley (1997), section 3.8.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Floats = NDArray[np.float64]
# Shape (resamples, n).
Weights = Floats
# (resamples, n) -> (resamples,)
Statistic = Callable[[Weights], Floats]
# For each of n observations the number of its cluster, from 0.
Clusters = NDArray[np.intp]
# How often each cluster was drawn, (resamples, clusters), as scipy's compressed rows: most are drawn once or not at all.
Drawn = Any

_CELLS = 1_000_000  # of a batch of resamples: 8 MB, which a processor's cache nearly holds
_MOST_PARTS = 1_000  # that are left out of what is no mean, one after another: each costs a pass over all observations
_FEW = 8  # columns, which compressed rows sum up faster than full ones do


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


@dataclass(frozen=True, slots=True, eq=False)
class Mean:
    """The weighted mean of `values`: the statistic that resamples need only sums of clusters for."""

    values: Floats

    def __call__(self, weights: Weights) -> Floats:
        found: Floats = weights @ self.values / weights.sum(axis=1)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Resampled:
    """A statistic of all `n` observations, of every resample, and, for BCa alone, with each cluster left out."""

    value: float
    found: Floats
    left_out: Floats | None
    n: int

    def estimate(self, level: float) -> Estimate:
        """The value with its interval of that level; an end alone is a one-sided bound of level (1 + level) / 2."""
        shares = np.array([0.5 - level / 2, 0.5 + level / 2])
        if self.left_out is not None and np.ptp(self.found) > 0:
            shares = _corrected(shares, self.value, self.found, self.left_out)
        low, high = np.quantile(self.found, shares)
        return Estimate(self.value, float(low), float(high), self.n)

    def minus(self, other: "Resampled") -> "Resampled":
        """The difference of two statistics that were drawn together."""
        left_out = None if self.left_out is None or other.left_out is None else self.left_out - other.left_out
        return Resampled(self.value - other.value, self.found - other.found, left_out, self.n)


def apart(n: int) -> Clusters:
    """Every one of `n` observations is a cluster of its own."""
    return np.arange(n)


def together(keys: Sequence[Hashable]) -> Clusters:
    """Observations with equal keys are one cluster; clusters are numbered as they come."""
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys], np.intp)


def mean(values: Sequence[float] | Floats) -> Mean:
    """The weighted mean of `values`."""
    return Mean(np.asarray(values, float))


def cluster_sums(values: Floats, clusters: Clusters) -> Floats:
    """(n, k) -> (clusters, k): what the observations of each cluster add up to."""
    return np.column_stack([np.bincount(clusters, column) for column in values.T]).astype(float)


def bootstrap(statistic: Statistic, clusters: Clusters, rng: np.random.Generator, how: Resampling = USUAL) -> Estimate:
    """The statistic of all observations with its interval. Raises ValueError as `resample` does."""
    return resample([statistic], clusters, rng, how)[0].estimate(how.level)


def resample(statistics: Sequence[Statistic], clusters: Clusters, rng: np.random.Generator, how: Resampling = USUAL) -> list[Resampled]:
    """All statistics of the same resamples. Raises ValueError with fewer than two clusters: they show no spread."""
    units = int(clusters.max(initial=-1)) + 1
    if units < 2:
        raise ValueError(f"{units} cluster: at least two are needed for an interval")
    asked = _Asked(statistics, clusters, units)
    found = np.concatenate([asked.found(drawn) for drawn in _draws(units, len(clusters), how.resamples, rng)])
    observed = asked.found(sparse.csr_matrix(np.ones((1, units))))[0]
    left_out = asked.left_out() if how.method is Method.BCA else None
    return [
        Resampled(float(observed[at]), found[:, at], None if left_out is None else left_out[at], len(clusters))
        for at in range(len(statistics))
    ]


class _Asked:
    """Statistics, evaluated together: means from the sums of clusters, the others one by one from weights of observations."""

    def __init__(self, statistics: Sequence[Statistic], clusters: Clusters, units: int) -> None:
        self._clusters, self._units = clusters, units
        self._means = [at for at, statistic in enumerate(statistics) if isinstance(statistic, Mean)]
        self._others = {at: statistic for at, statistic in enumerate(statistics) if not isinstance(statistic, Mean)}
        values = [statistic.values for statistic in statistics if isinstance(statistic, Mean)]
        self._sums = cluster_sums(np.column_stack([*values, np.ones(len(clusters))]), clusters)

    def found(self, drawn: Drawn) -> Floats:
        """(resamples, statistics)."""
        few = self._sums.shape[1] <= _FEW and not self._others
        drawn = drawn if few else drawn.toarray()
        return self._columns(drawn @ self._sums, lambda: drawn[:, self._clusters])

    def left_out(self) -> dict[int, Floats]:
        """By the place of a statistic, what it is with each cluster left out; what is no mean, with each of at most `_MOST_PARTS`."""
        rest = self._sums.sum(axis=0) - self._sums
        found = dict(zip(self._means, (rest[:, :-1] / rest[:, -1:]).T, strict=True))
        if self._others:
            parts = [[statistic(weights) for statistic in self._others.values()] for weights in self._all_but_one_part()]
            found |= {at: np.concatenate(columns) for at, columns in zip(self._others, zip(*parts, strict=True), strict=True)}
        return found

    def _all_but_one_part(self) -> Iterator[Weights]:
        """A part is a cluster or, of many, one in so many: squares and cubes of differences add up over parts as over their clusters."""
        parts, batch = min(self._units, _MOST_PARTS), max(1, _CELLS // len(self._clusters))
        part_of = self._clusters % parts
        for first in range(0, parts, batch):
            yield np.not_equal(part_of, np.arange(first, min(first + batch, parts))[:, None]).astype(float)

    def _columns(self, sums: Floats, weights: Callable[[], Weights]) -> Floats:
        columns = np.empty((len(sums), len(self._means) + len(self._others)))
        columns[:, self._means] = sums[:, :-1] / sums[:, -1:]
        if self._others:
            shared = weights()
            for at, statistic in self._others.items():
                columns[:, at] = statistic(shared)
        return columns


def _draws(units: int, observations: int, resamples: int, rng: np.random.Generator) -> Iterator[Drawn]:
    """How often each unit was drawn, a batch of resamples at a time; numbers are drawn as narrow as they may be, for speed."""
    batch = max(1, _CELLS // observations)
    narrow = np.uint16 if units <= np.iinfo(np.uint16).max + 1 else np.uint32
    for first in range(0, resamples, batch):
        rows = min(batch, resamples - first)
        drawn = rng.integers(units, size=rows * units, dtype=narrow).astype(np.int32)
        yield sparse.csr_matrix((np.ones(rows * units), drawn, np.arange(rows + 1, dtype=np.int32) * np.int32(units)), shape=(rows, units))


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
