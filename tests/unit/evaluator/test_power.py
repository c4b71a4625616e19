"""The minimum detectable effect is the effect that is found as often as it says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from services.evaluator.statistics.bootstrap import Resampling, apart, bootstrap, mean, together
from services.evaluator.statistics.power import Spread, spread


def rng() -> np.random.Generator:
    """The same chance every time."""
    return np.random.default_rng(5)


def test_the_error_of_questions_asked_apart_is_the_standard_error() -> None:
    """As scipy has it, and clusters of one add nothing."""
    differences = rng().normal(size=80)

    found = spread(differences, apart(80))

    assert (found.error, found.design) == pytest.approx((stats.sem(differences), 1.0), abs=1e-9)


def test_the_error_over_clusters_is_that_of_the_bootstrap() -> None:
    """Of 60 clusters of one to six questions that share most of their difference."""
    sizes = rng().integers(1, 7, size=60)
    clusters = np.repeat(np.arange(60), sizes)
    differences = np.repeat(rng().normal(size=60), sizes) + rng().normal(scale=0.3, size=len(clusters))
    interval = bootstrap(mean(differences), clusters, rng(), Resampling(4_000, 0.6826))

    found = spread(differences, clusters)

    assert found.error == pytest.approx((interval.high - interval.low) / 2, rel=0.08)
    assert found.design > 2


def test_the_effect_by_hand() -> None:
    """41 clusters with an error of 0.02: (1.684 + 0.851) x 0.02; with losses of 1 over 100 questions the root of a quadratic."""
    found = Spread(100, 41, 0.02)
    k = 1.683851 + 0.850700
    grown = found.detectable(0.05, 0.8, loss=1.0)

    assert found.detectable(0.05, 0.8) == pytest.approx(k * 0.02, abs=1e-6)
    assert grown**2 == pytest.approx(k**2 * (0.02**2 + grown / 100), abs=1e-6)


@given(error=st.floats(0.001, 0.2), loss=st.sampled_from([0.0, 1.0]), clusters=st.integers(5, 300))
def test_the_effect_that_can_be_found_needs_the_questions_at_hand(error: float, loss: float, clusters: int) -> None:
    """Each of the two turns the other round."""
    found = Spread(400, clusters, error, 1.5)
    effect = found.detectable(0.05, 0.8, loss)

    assert found.needed(effect, 0.05, 0.8, loss) == pytest.approx(400, abs=1)
    assert found.needed(effect / 2, 0.05, 0.8, loss) > 400


def test_such_an_effect_is_found_four_times_of_five() -> None:
    """Of 2,000 samples that the formula knows nothing of but how they spread; by the t-test, which it is made for."""
    chance, n = rng(), 50
    effect = Spread(n, n, 1 / np.sqrt(n)).detectable(0.05, 0.8)
    p_values = stats.ttest_1samp(chance.normal(effect, size=(2_000, n)), 0, axis=1, alternative="greater").pvalue

    assert np.mean(p_values <= 0.05) == pytest.approx(0.8, abs=0.03)


def test_where_nothing_differs_yet_a_loss_would_still_share_clusters() -> None:
    """Ten clusters of ten: 1 + 0.2 x 9."""
    found = spread(np.zeros(100), together([number // 10 for number in range(100)]))

    assert (found.error, found.design) == (0.0, pytest.approx(2.8))
    assert found.detectable(0.05, 0.8, loss=1.0) > Spread(100, 10, 0.0).detectable(0.05, 0.8, loss=1.0) > 0


def test_one_cluster_has_no_spread() -> None:
    """Whatever it said would be made up."""
    with pytest.raises(ValueError, match="at least two"):
        spread(np.zeros(5), np.zeros(5, np.intp))
