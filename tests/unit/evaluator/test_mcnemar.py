"""McNemar's test agrees with scipy and with values worked out by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from services.evaluator.statistics.mcnemar import exact_p, mid_p, mid_p_worse

COUNTS = st.integers(0, 60)


@given(fixed=COUNTS, broken=COUNTS)
def test_the_exact_p_value_is_that_of_the_binomial_test(fixed: int, broken: int) -> None:
    """Whichever side is the greater one."""
    expected = stats.binomtest(broken, fixed + broken).pvalue if fixed + broken else 1.0

    assert exact_p(fixed, broken) == pytest.approx(expected, abs=1e-9)


@given(fixed=COUNTS, broken=COUNTS)
def test_the_mid_p_value_is_the_exact_one_less_the_probability_of_what_was_seen(fixed: int, broken: int) -> None:
    """As Fagerland, Lydersen and Laake define it; an even split has 1."""
    seen = stats.binom.pmf(fixed, fixed + broken, 0.5)
    expected = exact_p(fixed, broken) - seen if fixed != broken else 1.0

    assert mid_p(fixed, broken) == pytest.approx(expected, abs=1e-9)


@given(fixed=COUNTS, broken=COUNTS.filter(bool))
def test_one_side_and_the_other_make_up_everything(fixed: int, broken: int) -> None:
    """Half of what was seen is counted on each side."""
    assert mid_p_worse(fixed, broken) + mid_p_worse(broken, fixed) == pytest.approx(1, abs=1e-9)


def test_a_small_table_by_hand() -> None:
    """One fixed and seven broken: of 256 splits 1 + 8 are so uneven on that side, 8 of them just so."""
    assert exact_p(1, 7) == pytest.approx(2 * 9 / 256)
    assert mid_p(1, 7) == pytest.approx((2 * 9 - 8) / 256)
    assert mid_p_worse(1, 7) == pytest.approx((1 + 8 / 2) / 256)


def test_nothing_changed_proves_nothing() -> None:
    """There is no split."""
    assert (exact_p(0, 0), mid_p(0, 0), mid_p_worse(0, 0)) == (1.0, 1.0, 1.0)
