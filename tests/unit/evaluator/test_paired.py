"""Two systems on the same questions."""

import numpy as np
import pytest
from scipy import stats

from services.evaluator.statistics.bootstrap import Estimate, Resampling, apart, together
from services.evaluator.statistics.paired import compare, permutation_p


def rng() -> np.random.Generator:
    """The same chance every time."""
    return np.random.default_rng(3)


def scipy_p(differences: np.ndarray, resamples: float) -> float:  # type: ignore[type-arg]
    """Its sign-flip test."""
    found = stats.permutation_test((differences,), np.sum, permutation_type="samples", n_resamples=resamples, rng=rng(), vectorized=True)
    return float(found.pvalue)


@pytest.mark.parametrize("shift", [0.0, 0.4, 1.0])
def test_the_exact_p_value_equals_that_of_scipy(shift: float) -> None:
    """All signs of 12 differences, to the ninth digit."""
    differences = rng().normal(shift, size=12)

    assert permutation_p(differences, rng()) == pytest.approx(scipy_p(differences, np.inf), abs=1e-9)


def test_the_random_p_value_comes_close_to_that_of_scipy() -> None:
    """Of 80 differences, within what chance allows."""
    differences = rng().normal(0.2, size=80)

    assert permutation_p(differences, rng(), 20_000) == pytest.approx(scipy_p(differences, 20_000), abs=0.01)


def test_p_values_are_fair_when_nothing_differs() -> None:
    """Of 400 comparisons without a difference about 5 % have p <= 0.05."""
    chance = rng()
    found = [permutation_p(chance.normal(size=30), chance, 400) for _ in range(400)]

    assert 0.025 <= np.mean(np.array(found) <= 0.05) <= 0.08


def test_a_clear_difference_is_seen_and_its_side_told() -> None:
    """Ours is 0.2 better on nearly all questions."""
    theirs = rng().uniform(size=100)
    ours = theirs + rng().normal(0.2, 0.1, size=100)

    found = compare(ours, theirs, apart(100), rng(), Resampling(1_000))

    assert found.difference.value == pytest.approx(float(np.mean(ours - theirs)), abs=1e-9)
    assert (found.better, found.worse, found.p_value < 0.01) == (True, False, True)
    assert compare(theirs, ours, apart(100), rng(), Resampling(1_000)).worse


def test_questions_that_hang_together_prove_less() -> None:
    """A difference in one of three clusters is no proof, however many questions that cluster has."""
    ours, theirs = [1.0] * 50 + [0.5] * 50, [0.5] * 100
    clusters = together(["a"] * 50 + ["b"] * 25 + ["c"] * 25)

    alone, clustered = [compare(ours, theirs, each, rng(), Resampling(1_000)) for each in (apart(100), clusters)]

    assert (alone.better, clustered.better) == (True, False)
    assert (alone.p_value < 0.01, clustered.p_value) == (True, 1.0)


def test_a_handful_of_differences_on_one_side_is_no_proof() -> None:
    """Four of sixty: the interval of the bootstrap leaves 0 out, yet one in eight such draws is all on one side."""
    found = compare([1.0] * 60, [0.0] * 4 + [1.0] * 56, apart(60), rng(), Resampling(1_000))

    assert found.difference.low > 0
    assert (found.p_value, found.better) == (0.125, False)


def test_equal_systems_do_not_differ() -> None:
    """Nor is there anything to permute."""
    found = compare([0.3, 0.7], [0.3, 0.7], apart(2), rng())

    assert (found.difference, found.p_value) == (Estimate(0.0, 0.0, 0.0, 2), 1.0)
