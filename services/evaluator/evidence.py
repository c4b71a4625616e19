"""Evidence: the figures of one metric on one slice that a verdict rests on. Those of the same cases are computed together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from services.evaluator.gate import Kind
from services.evaluator.sampled import Asked, Sampled
from services.evaluator.significance import Significance, significances
from services.evaluator.statistics.bootstrap import Resampled
from services.evaluator.statistics.draw import draw
from services.evaluator.statistics.noninferiority import floor, one_sided
from services.evaluator.statistics.power import Spread, spread


@dataclass(frozen=True, slots=True)
class Figure:
    """A number between the ends of its interval; one cluster has none."""

    value: float
    low: float | None = None
    high: float | None = None

    def signed(self, higher_is_better: bool) -> "Figure":
        """With more being better."""
        if higher_is_better:
            return self
        return Figure(-self.value, None if self.high is None else -self.high, None if self.low is None else -self.low)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What `n` cases say; without cases there is no figure, and without a baseline no difference.

    The difference is candidate - baseline, in an interval of level 1 - alpha, or, if a rule asks for it, between one-sided bounds of
    that level; under a rule `no_worse` losses that no case shows yet are allowed for. `lost` cases have the scores in the baseline alone.
    `spread` is what power is computed from.
    """

    asked: Asked
    n: int
    clusters: int
    lost: int = 0
    candidate: Figure | None = None
    baseline: Figure | None = None
    difference: Figure | None = None
    significance: Significance | None = None
    spread: Spread | None = None


def weigh(sampled: Sequence[Sampled], alpha: float, seed: int, resamples: int) -> list[Evidence]:
    """The evidence of each, in the order given."""
    spread_out = [one for one in sampled if one.units > 1]
    drawn = draw([one.wanted(resamples, 1 - alpha) for one in spread_out], seed)
    tested = significances(spread_out, seed, resamples)
    rich = (_evidence(one, drawn[number], tested.get(number), (alpha, seed)) for number, one in enumerate(spread_out))
    return [next(rich) if one.units > 1 else _poor(one) for one in sampled]


def _evidence(one: Sampled, found: list[Resampled], significance: Significance | None, how: tuple[float, int]) -> Evidence:
    alpha, level = how[0], 1 - how[0]
    between = one_sided(alpha) if one.asked.compares else level
    difference = None if one.theirs is None else found[2] if len(found) > 2 else found[0].minus(found[1])
    return Evidence(
        one.asked,
        one.n,
        one.units,
        one.lost,
        _figure(found[0], level),
        None if one.theirs is None else _figure(found[1], level),
        None if difference is None else _allowing(_figure(difference, between), one, how),
        significance,
        None if difference is None else _spread(one, difference),
    )


def _figure(found: Resampled, level: float) -> Figure:
    estimate = found.estimate(level)
    return Figure(estimate.value, estimate.low, estimate.high)


def _allowing(figure: Figure, one: Sampled, how: tuple[float, int]) -> Figure:
    """With the worse end no better than scores with bounds show it to be; the bootstrap knows only losses that it has seen."""
    metric, rule, (alpha, seed) = one.asked.metric, one.asked.rule, how
    signed = figure.signed(metric.higher_is_better)
    if rule is None or rule.rule is not Kind.NO_WORSE or metric.most is None or one.differences is None or signed.low is None:
        return figure
    least = floor(one.differences, one.clusters, np.random.default_rng(seed), alpha, metric.most)
    return replace(signed, low=min(signed.low, least)).signed(metric.higher_is_better)


def _spread(one: Sampled, difference: Resampled) -> Spread:
    """Of a mean by its formula; of anything else the bootstrap's."""
    if one.differences is not None:
        return spread(one.differences, one.clusters)
    return Spread(one.n, one.units, float(difference.found.std()))


def _poor(one: Sampled) -> Evidence:
    """No case, or those of one cluster: at most values."""
    if not one.n:
        return Evidence(one.asked, 0, 0, one.lost)
    values = [Figure(value) for value in _values(one)]
    difference = Figure(values[0].value - values[1].value) if len(values) > 1 else None
    return Evidence(one.asked, one.n, one.units, one.lost, values[0], values[1] if len(values) > 1 else None, difference)


def _values(one: Sampled) -> Iterator[float]:
    once = np.ones((1, one.n))
    for columns in (one.ours, one.theirs):
        if columns is not None:
            yield float(one.asked.metric.statistic(*columns)(once)[0])
