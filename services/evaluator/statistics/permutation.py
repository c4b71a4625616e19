"""Permutation tests of pairs: how often chance alone, giving each pair's two results to the two systems, makes a difference like this.

Sources: Fisher (1935), The Design of Experiments; Phipson and Smyth (2010), Permutation P-values Should Never Be Zero.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.evaluator.statistics.bootstrap import Clusters, Floats, Statistic

_CELLS = 1_000_000
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class PValues:
    """How likely a difference at most as great as the observed one is, one at least as great, and one at least as far from 0."""

    less: float
    greater: float
    either: float


def sign_flip(differences: Floats, rng: np.random.Generator, resamples: int = 10_000) -> list[PValues]:
    """Of each column of (clusters, k) the test of its sum, if each cluster's sign is chance.

    All signs are tried if there are at most `resamples` ways, else that many at random, and the observed one is counted among them.
    """
    observed = differences.sum(axis=0)
    least = _ROUNDING * np.abs(differences).sum(axis=0)
    found = np.concatenate([2 * (bits @ differences) - observed for bits in _bits(len(differences), resamples, rng)])
    few = (differences != 0).sum(axis=0) < resamples.bit_length()
    return [
        _exact(column[column != 0]) if exact else _p_values(found[:, at], float(observed[at]), float(least[at]), 1)
        for at, (column, exact) in enumerate(zip(differences.T, few, strict=True))
    ]


def swap(pooled: Statistic, clusters: Clusters, rng: np.random.Generator, resamples: int = 10_000) -> PValues:
    """The test of the difference of any statistic, if which system gave which of a cluster's results is chance.

    `pooled` is the statistic of both systems' observations: those of the first, then those of the second in the same order.
    """
    units = int(clusters.max(initial=-1)) + 1
    observed = float(_swapped(pooled, np.zeros((1, len(clusters))))[0])
    found = np.concatenate([_swapped(pooled, bits[:, clusters]) for bits in _bits(units, resamples, rng, 2 * len(clusters))])
    size = abs(float(pooled(np.ones((1, 2 * len(clusters))))[0]))
    return _p_values(found, observed, _ROUNDING * max(size, abs(observed)), 1)


def _swapped(pooled: Statistic, swaps: Floats) -> Floats:
    return pooled(np.hstack([1 - swaps, swaps])) - pooled(np.hstack([swaps, 1 - swaps]))


def _exact(moved: Floats) -> PValues:
    ways: NDArray[np.int64] = np.arange(2 ** len(moved))[:, None] >> np.arange(len(moved)) & 1
    return _p_values((2 * ways - 1) @ moved, float(moved.sum()), _ROUNDING * float(np.abs(moved).sum()), 0)


def _p_values(found: Floats, observed: float, least: float, counted: int) -> PValues:
    """`counted`: 1 if the observed difference is to be counted among those found."""
    of = len(found) + counted
    sides = (found <= observed + least, found >= observed - least, np.abs(found) >= abs(observed) - least)
    less, greater, either = ((int(np.sum(side)) + counted) / of for side in sides)
    return PValues(less, greater, either)


def _bits(units: int, resamples: int, rng: np.random.Generator, cells: int = 0) -> Iterator[Floats]:
    """Rows of 0 and 1, a batch at a time."""
    batch = max(1, _CELLS // max(units, cells, 1))
    for first in range(0, resamples, batch):
        rows = min(batch, resamples - first)
        drawn = np.frombuffer(rng.bytes(rows * (units // 8 + 1)), np.uint8).reshape(rows, -1)
        yield np.unpackbits(drawn, axis=1, count=units).astype(float)
