"""Intervals are those of scipy, for clusters too, and hold the truth as often as they say."""

import numpy as np
import pytest
from scipy import stats

from services.evaluator.statistics.bootstrap import Floats, Method, Resampling, Statistic, Weights, apart, bootstrap, mean, together


def scores(n: int, seed: int = 0) -> np.ndarray:  # type: ignore[type-arg]
    """Skewed ones, so that the kinds of interval differ."""
    return np.random.default_rng(seed).gamma(0.7, size=n)


class Narrow(np.random.Generator):
    """Draws as narrow numbers as ours does, so that scipy, which draws wide ones, gets the same; its rows are one after another."""

    def integers(self, low, high=None, size=None, dtype=np.uint16, endpoint=False):  # type: ignore[no-untyped-def]
        """A generator's, in 16 bits."""
        return super().integers(low, high, size, np.uint16, endpoint).astype(np.int64)


def rng() -> np.random.Generator:
    """The same chance every time."""
    return Narrow(np.random.PCG64(7))


@pytest.mark.parametrize("method", list(Method))
def test_an_interval_equals_that_of_scipy(method: Method) -> None:
    """Drawn from the same random numbers, to the ninth digit."""
    values = scores(60)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=2_000, method=method.value, rng=rng()).confidence_interval

    ours = bootstrap(mean(values), apart(60), rng(), Resampling(2_000, method=method))

    assert (ours.value, ours.low, ours.high) == pytest.approx((values.mean(), theirs.low, theirs.high), abs=1e-9)


def test_clusters_are_drawn_whole() -> None:
    """Equal to drawing rows of a table by hand, with clusters of unequal size."""
    values, keys = scores(40), [f"paragraph {number % 7 if number < 30 else 7}" for number in range(40)]
    clusters = together(keys)
    drawn = rng().integers(8, size=(500, 8))
    by_hand = [np.concatenate([values[clusters == unit] for unit in row]).mean() for row in drawn]

    ours = bootstrap(mean(values), clusters, rng(), Resampling(500, method=Method.PERCENTILE))

    assert (ours.low, ours.high) == pytest.approx(tuple(np.quantile(by_hand, [0.025, 0.975])), abs=1e-9)


def test_copies_of_a_cluster_add_no_certainty() -> None:
    """Ten times the same question is one question."""
    values = scores(50)
    once = bootstrap(mean(values), apart(50), rng(), Resampling(1_000))
    copied = bootstrap(mean(np.repeat(values, 10)), np.repeat(apart(50), 10), rng(), Resampling(1_000))

    assert (copied.low, copied.high) == pytest.approx((once.low, once.high), abs=1e-9)


def test_batches_draw_what_one_would() -> None:
    """A sample of 2,000 is too large for 3,000 resamples at once, and is drawn 500 resamples at a time."""
    values = scores(2_000)
    theirs = stats.bootstrap((values,), np.mean, n_resamples=3_000, batch=500, method="percentile", rng=rng()).confidence_interval

    ours = bootstrap(mean(values), apart(2_000), rng(), Resampling(3_000, method=Method.PERCENTILE))

    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


@pytest.mark.parametrize("method", list(Method))
def test_intervals_hold_the_truth_as_often_as_they_say(method: Method) -> None:
    """Of 300 samples, about 95 % (a skewed sample of 100 costs some); the mean of the gamma distribution is 0.7."""
    how = Resampling(400, method=method)
    found = [bootstrap(mean(scores(100, seed)), apart(100), rng(), how) for seed in range(300)]

    assert 0.89 <= np.mean([one.low <= 0.7 <= one.high for one in found]) <= 0.98


def test_of_many_clusters_parts_are_left_out_of_what_is_no_mean() -> None:
    """Which corrects as much as each of them would: the mean by weights, of a skewed sample, has the interval of the mean itself."""
    values, rows = scores(4_000) ** 3, list[int]()

    def weighted(weights: Weights) -> Floats:
        rows.append(len(weights))
        return mean(values)(weights)

    ours = bootstrap(weighted, apart(4_000), rng(), Resampling(1_000))

    theirs, plain = (
        bootstrap(mean(values), apart(4_000), rng(), Resampling(1_000, method=method)) for method in (Method.BCA, Method.PERCENTILE)
    )
    assert sum(rows) == 1 + 1_000 + 1_000
    assert ours.high == pytest.approx(theirs.high, abs=0.2 * (theirs.high - plain.high))


@pytest.mark.parametrize("value", [0.0, 0.1, 1.0])
def test_scores_that_are_all_equal_have_no_spread(value: float) -> None:
    """And no division by zero."""
    found = bootstrap(mean([value] * 20), apart(20), rng())

    assert (found.value, found.low, found.high) == pytest.approx((value, value, value), abs=1e-12)


@pytest.mark.parametrize("n", [0, 1])
def test_one_cluster_has_no_interval(n: int) -> None:
    """Whatever it said would be made up."""
    statistic: Statistic = mean([0.5] * n)

    with pytest.raises(ValueError, match="at least two"):
        bootstrap(statistic, apart(n), rng())
