"""Weighted quantiles."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.evaluator.statistics.quantile import quantile

VALUES = st.lists(st.floats(0, 1e6), min_size=1, max_size=40)


@pytest.mark.parametrize("share", [0.5, 0.95])
@given(values=VALUES, seed=st.integers(0, 99))
def test_a_quantile_is_that_of_numpy(share: float, values: list[float], seed: int) -> None:
    """Of observations drawn again and again; a weight counts like copies."""
    weights = np.random.default_rng(seed).integers(0, 3, size=(3, len(values))).astype(float)
    weights[:, 0] += 1
    copies = [np.repeat(values, row.astype(int)) for row in weights]

    assert quantile(values, share)(weights).tolist() == [np.quantile(each, share, method="inverted_cdf") for each in copies]
