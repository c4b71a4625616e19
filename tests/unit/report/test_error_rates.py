"""The simulation of error rates: runs are alike unless one is broken on purpose, and what comes of comparing them is counted."""

import numpy as np
import pytest

from services.evaluator.verdict import Verdict
from tests.report.error_rates import Trial, attempt, bound
from tests.report.simulated import CORRECT, MEANS, NONE, SCORES, TOKEN_F1, Regression, Shape, two_runs


def means(shape: Shape, regression: Regression) -> tuple[dict[str, float], dict[str, float]]:
    """Of the candidate's scores and the baseline's."""
    runs = two_runs(shape, regression, np.random.default_rng(4))
    candidate, baseline = ({name: float(np.mean([case.scores[name] for case in run])) for name in SCORES} for run in runs)
    return candidate, baseline


@pytest.mark.parametrize("shape", [Shape(6_000), Shape(6_000, 8)], ids=str)
def test_runs_without_a_regression_are_alike(shape: Shape) -> None:
    """And have the means that a regression is measured by."""
    candidate, baseline = means(shape, NONE)

    assert candidate == pytest.approx(baseline, abs=0.015)
    assert baseline == pytest.approx(MEANS, abs=0.025)


@pytest.mark.parametrize("score", [CORRECT, TOKEN_F1])
def test_a_regression_costs_what_it_says(score: str) -> None:
    """In one score alone."""
    candidate, baseline = means(Shape(6_000, 8), Regression(score, 0.1))
    lost = {name: baseline[name] - candidate[name] for name in SCORES}

    assert lost == pytest.approx({name: 0.1 if name == score else 0.0 for name in SCORES}, abs=0.02)


def test_clusters_have_unequal_sizes() -> None:
    """From one case to the largest."""
    sizes = np.bincount(Shape(500, 8).clusters(np.random.default_rng(1)))

    assert (sizes.sum(), sizes.min(), sizes.max()) == (500, 1, 8)


def test_few_comparisons_of_equal_runs_fail_and_a_great_loss_always_does() -> None:
    """The seeds are fixed, so these counts are too."""
    equal = attempt(Trial(Shape(120), NONE, 0.02, SCORES, 25, 300, 1))
    broken = attempt(Trial(Shape(120), Regression(CORRECT, 0.3), 0.02, SCORES, 10, 300, 2))

    assert equal.verdicts.get(Verdict.FAIL, 0) <= bound(25)
    assert broken.verdicts == {Verdict.FAIL: 10}
    assert 0.05 < equal.mde[CORRECT] < 0.2


def test_the_bound_is_exact() -> None:
    """Of 400 comparisons at 5 %: 20 are to be expected, more than 35 come in less than one of a thousand experiments."""
    assert bound(400) == 35
