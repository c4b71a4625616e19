"""Holm's correction."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.evaluator.statistics.holm import holm

P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


def rejected_step_by_step(p_values: list[float], alpha: float) -> set[int]:
    """As Holm tells it: from the smallest on, until one is greater than alpha by the number of those left."""
    order, rejected = np.argsort(p_values, kind="stable"), set()
    for step, at in enumerate(order):
        if p_values[at] * (len(order) - step) > alpha:
            break
        rejected.add(int(at))
    return rejected


def test_adjusted_p_values_by_hand() -> None:
    """The example of R's p.adjust: 0.01 x 4, 0.02 x 3, 0.03 x 2, 0.04, none less than the one before."""
    assert holm([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])


@given(p_values=P_VALUES, alpha=st.floats(0.001, 0.5))
def test_what_is_at_most_alpha_is_what_the_steps_reject(p_values: list[float], alpha: float) -> None:
    """Adjusted values only say it once for every alpha."""
    assert {at for at, p in enumerate(holm(p_values)) if p <= alpha} == rejected_step_by_step(p_values, alpha)


@given(p_values=P_VALUES)
def test_a_correction_never_makes_a_p_value_smaller(p_values: list[float]) -> None:
    """Nor greater than 1, nor than all of them at once would (Bonferroni)."""
    for raw, adjusted in zip(p_values, holm(p_values), strict=True):
        assert raw <= adjusted <= 1
        assert adjusted <= max(raw * len(p_values), max(min(1, each * len(p_values)) for each in p_values if each <= raw))


def test_a_single_test_needs_no_correction() -> None:
    """And none at all gives none."""
    assert (holm([0.04]), holm([])) == ([0.04], [])
