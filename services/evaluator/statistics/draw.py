"""Draws resamples for many statistics at once: those of the same cases share them, which is most of the work."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.evaluator.statistics.bootstrap import Clusters, Resampled, Resampling, Statistic, resample

# Where cases stand in a list, four bytes each: what many metrics of many cases have each for itself.
Places = bytes


def places_of(found: Sequence[int]) -> Places:
    """The places as a key."""
    return np.array(found, np.int32).tobytes()


@dataclass(frozen=True, slots=True, eq=False)
class Wanted:
    """Statistics of the cases at `places` of a list, which say what their clusters are."""

    statistics: tuple[Statistic, ...]
    places: Places
    clusters: Clusters
    how: Resampling


def draw(wanted: Sequence[Wanted], seed: int) -> list[list[Resampled]]:
    """The resampled statistics of each, in the order given; equal whatever else is wanted. Raises ValueError as `resample` does."""
    groups: dict[tuple[Places, Resampling], list[int]] = {}
    for number, one in enumerate(wanted):
        groups.setdefault((one.places, one.how), []).append(number)
    drawn: dict[int, list[Resampled]] = {}
    for (_, how), numbers in groups.items():
        statistics = [statistic for number in numbers for statistic in wanted[number].statistics]
        found = iter(resample(statistics, wanted[numbers[0]].clusters, np.random.default_rng(seed), how))
        drawn |= {number: [next(found) for _ in wanted[number].statistics] for number in numbers}
    return [drawn[number] for number in range(len(wanted))]
