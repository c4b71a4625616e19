"""Significance: whether chance alone would explain a difference, by the test that fits the scores."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.evaluator.sampled import Sampled
from services.evaluator.statistics.bootstrap import Floats, cluster_sums
from services.evaluator.statistics.draw import Places
from services.evaluator.statistics.mcnemar import mid_p, mid_p_worse
from services.evaluator.statistics.permutation import sign_flip, swap

MCNEMAR = "McNemar's test, mid-p"


@dataclass(frozen=True, slots=True)
class Significance:
    """The p-values of the candidate being worse, being better, and of either; `test` says of which test."""

    worse: float
    better: float
    either: float
    test: str


def significances(samples: Sequence[Sampled], seed: int, resamples: int) -> dict[int, Significance]:
    """Of each that has a baseline, by its number: McNemar's mid-p if each cluster is one case, right or wrong, else a permutation test."""
    found: dict[int, Significance] = {}
    flipped: dict[Places, dict[int, Floats]] = {}
    for number, one in enumerate(samples):
        differences = one.differences
        if differences is None:
            found |= {number: _swapped(one, one.theirs, seed, resamples)} if one.theirs is not None else {}
        elif one.is_binary:
            found[number] = _mcnemar(differences)
        else:
            flipped.setdefault(one.places, {})[number] = cluster_sums(differences[:, None], one.clusters)
    for columns in flipped.values():
        found |= zip(columns, _flipped(np.hstack(list(columns.values())), seed, resamples), strict=True)
    return found


def _mcnemar(differences: Floats) -> Significance:
    fixed, broken = int((differences > 0).sum()), int((differences < 0).sum())
    return Significance(mid_p_worse(fixed, broken), mid_p_worse(broken, fixed), mid_p(fixed, broken), MCNEMAR)


def _flipped(sums: Floats, seed: int, resamples: int) -> list[Significance]:
    """The tests of the same cases share their signs."""
    test = f"sign-flip test of {len(sums)} clusters"
    return [Significance(p.less, p.greater, p.either, test) for p in sign_flip(sums, np.random.default_rng(seed), resamples)]


def _swapped(one: Sampled, theirs: Floats, seed: int, resamples: int) -> Significance:
    """Of a statistic without differences case by case."""
    metric = one.asked.metric
    pooled = metric.statistic(*np.hstack([one.ours, theirs]))
    p = swap(pooled, one.clusters, np.random.default_rng(seed), metric.how(resamples, 0.95, one.n).resamples)
    worse, better = (p.less, p.greater) if metric.higher_is_better else (p.greater, p.less)
    return Significance(worse, better, p.either, f"permutation test of {one.units} clusters")
