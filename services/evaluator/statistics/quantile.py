"""Quantiles, such as the latency that 95 % of answers kept."""

from collections.abc import Sequence

import numpy as np

from services.evaluator.statistics.bootstrap import Floats, Statistic, Weights

_ROUNDING = 1e-9


def quantile(values: Sequence[float] | Floats, share: float) -> Statistic:
    """The least value that at least `share` of the weight does not exceed.

    Source: Hyndman and Fan (1996), Sample Quantiles in Statistical Packages, definition 1; numpy's `inverted_cdf`.
    """
    order = np.argsort(np.asarray(values, float), kind="stable")
    ranked = np.asarray(values, float)[order]

    def statistic(weights: Weights) -> Floats:
        reached = np.cumsum(weights[:, order], axis=1)
        found: Floats = ranked[(reached < share * reached[:, -1:] - _ROUNDING).sum(axis=1)]
        return found

    return statistic
