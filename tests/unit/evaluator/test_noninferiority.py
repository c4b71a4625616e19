"""One-sided bounds, and what they show."""

import numpy as np
import pytest
from scipy import stats

from services.evaluator.statistics.bootstrap import Clusters, Estimate, Floats, Resampling, apart, bootstrap, mean
from services.evaluator.statistics.noninferiority import bounds, floor, inferior, not_inferior, one_sided, superior, units_without_loss


def test_one_sided_bounds_are_the_ends_of_a_shorter_interval() -> None:
    """At 5 % each, of the 90 % interval."""
    differences = np.random.default_rng(1).normal(size=60)
    how = Resampling(1_000, one_sided(0.05))

    found = bounds(differences, apart(60), np.random.default_rng(2), 0.05, Resampling(1_000))

    assert how.level == pytest.approx(0.9)
    assert found == bootstrap(mean(differences), apart(60), np.random.default_rng(2), how)


@pytest.mark.parametrize(
    ("low", "high", "shown"),
    [
        (-0.08, -0.06, (False, False, True)),
        (-0.08, 0.02, (False, False, False)),
        (-0.04, -0.01, (True, False, True)),
        (-0.04, 0.09, (True, False, False)),
        (0.01, 0.09, (True, True, False)),
    ],
)
def test_what_bounds_show(low: float, high: float, shown: tuple[bool, bool, bool]) -> None:
    """With a margin of 0.05: not inferior, superior, inferior; a small loss can be shown and yet be within the margin."""
    difference = Estimate((low + high) / 2, low, high, 100)

    assert (not_inferior(difference, 0.05), superior(difference), inferior(difference)) == shown


@pytest.mark.parametrize(("margin", "most", "units"), [(0.05, 1, 59), (0.02, 1, 149), (0.1, 1, 29), (0.15, 1, 19), (0.1, 2, 59), (1, 1, 1)])
def test_without_a_loss_so_many_clusters_rule_the_margin_out(margin: float, most: float, units: int) -> None:
    """And one fewer does not; the rule of three says 3 / 0.05 = 60."""
    at, before = (_floor(np.zeros(count), apart(count), most=most) for count in (units, max(1, units - 1)))

    assert units_without_loss(margin, 0.05, most) == units
    assert at >= -margin > before or units == 1


@pytest.mark.parametrize(("worse", "cases"), [(1, 40), (3, 93), (10, 200)])
def test_of_cases_that_break_the_bound_is_that_of_clopper_and_pearson(worse: int, cases: int) -> None:
    """But for the draws."""
    exact = stats.binomtest(worse, cases).proportion_ci(0.9).high

    assert _floor(np.repeat([-1.0, 0.0], [worse, cases - worse]), apart(cases)) == pytest.approx(-exact, rel=0.03)


def test_cases_that_became_better_make_up_for_others() -> None:
    """In a comparison in which much changes both ways."""
    both_ways, one_way = np.repeat([-1.0, 0.0, 1.0], [10, 180, 10]), np.repeat([-1.0, 0.0], [10, 190])

    assert -0.05 < _floor(both_ways, apart(200)) < -0.03
    assert _floor(one_way, apart(200)) < -0.08


@pytest.mark.parametrize("clusters", [20, 35, 60])
@pytest.mark.parametrize("kind", ["cases that break", "clusters that break", "graded losses", "changes both ways"])
def test_a_loss_of_just_the_margin_is_ruled_out_no_more_often_than_alpha_allows(kind: str, clusters: int) -> None:
    """Margin 0.1, 500 times each: with alpha 0.05 more than 41 would come once in 1,000 such tests."""
    rng = np.random.default_rng([clusters, len(kind)])
    passed = sum(_floor(*_lost(kind, clusters, rng), draws=1_000) > -0.1 for _ in range(500))

    assert passed <= stats.binom.ppf(0.999, 500, 0.05)


def _floor(differences: Floats, clusters: Clusters, most: float = 1.0, draws: int = 4_000) -> float:
    return floor(differences, clusters, np.random.default_rng(3), 0.05, most, draws)


def _lost(kind: str, units: int, rng: np.random.Generator) -> tuple[Floats, Clusters]:
    """Differences whose mean is -0.1."""
    if kind == "clusters that break":
        clusters = np.repeat(np.arange(units), rng.integers(1, 9, units))
        return -(rng.uniform(size=units) < 0.1).astype(float)[clusters], clusters
    if kind == "graded losses":
        return -np.where(rng.uniform(size=units) < 0.08, 1, 0.2 / 9.2 * rng.uniform(0, 2, units)), apart(units)
    changes = [0.1, 0.9, 0.0] if kind == "cases that break" else [0.2, 0.7, 0.1]
    return rng.choice([-1.0, 0.0, 1.0], units, p=changes), apart(units)
