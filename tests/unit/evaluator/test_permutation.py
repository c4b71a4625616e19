"""Permutation tests agree with scipy, on each side, and with one another."""

import numpy as np
import pytest
from scipy import stats

from services.evaluator.statistics.bootstrap import apart, cluster_sums, mean, together
from services.evaluator.statistics.permutation import sign_flip, swap
from services.evaluator.statistics.quantile import quantile


def rng() -> np.random.Generator:
    """The same chance every time."""
    return np.random.default_rng(3)


@pytest.mark.parametrize(("side", "scipys"), [("less", "less"), ("greater", "greater"), ("either", "two-sided")])
def test_each_side_is_that_of_scipy(side: str, scipys: str) -> None:
    """All signs of 11 differences, to the ninth digit."""
    differences = rng().normal(0.4, size=11)
    theirs = stats.permutation_test((differences,), np.sum, permutation_type="samples", n_resamples=np.inf, alternative=scipys)

    ours = sign_flip(differences[:, None], rng())[0]

    assert getattr(ours, side) == pytest.approx(theirs.pvalue, abs=1e-9)


def test_columns_are_tested_each_for_itself() -> None:
    """A column with few differences is tried out wholly, beside one with many."""
    many, few = rng().normal(0.1, size=200), np.array([1.0] * 5 + [0.0] * 195)

    both = sign_flip(np.column_stack([many, few]), rng())

    assert both[0] == sign_flip(many[:, None], rng())[0]
    assert (both[1].greater, both[1].either) == (1 / 32, 2 / 32)


def test_a_swap_of_results_is_a_flip_of_signs() -> None:
    """For means in clusters, within what chance allows."""
    ours, theirs = rng().normal(0.15, size=(2, 120))
    clusters = together([number // 3 for number in range(120)])
    flipped = sign_flip(cluster_sums((ours - theirs)[:, None], clusters), rng(), 20_000)[0]

    swapped = swap(mean(np.concatenate([ours, theirs])), clusters, rng(), 20_000)

    assert (swapped.less, swapped.greater, swapped.either) == pytest.approx((flipped.less, flipped.greater, flipped.either), abs=0.015)


def test_a_slower_tail_is_seen() -> None:
    """Quantiles have no differences case by case; a tenth of ours takes twice as long."""
    theirs = rng().uniform(1, 1.1, size=200)
    ours = np.where(np.arange(200) % 10 == 0, 2 * theirs, theirs)

    found = swap(quantile(np.concatenate([ours, theirs]), 0.95), apart(200), rng(), 2_000)

    assert (found.greater < 0.01, found.less > 0.9) == (True, True)


def test_nothing_that_differs_proves_nothing() -> None:
    """Every assignment is as far from 0 as the observed one."""
    values = np.full(20, 0.4)

    assert sign_flip(np.zeros((20, 1)), rng())[0].less == 1.0
    assert swap(mean(np.concatenate([values, values])), apart(20), rng(), 200).either == 1.0
