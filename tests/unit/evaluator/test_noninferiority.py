"""One-sided bounds, and what they show."""

import numpy as np
import pytest

from services.evaluator.statistics.bootstrap import Estimate, Resampling, apart, bootstrap, mean
from services.evaluator.statistics.noninferiority import bounds, inferior, not_inferior, one_sided, superior


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
