"""Area under the risk-coverage curve: how well a confidence tells right answers from wrong ones."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.evaluator.statistics.bootstrap import Floats, Statistic, Weights


@dataclass(frozen=True, slots=True)
class Curve:
    """By falling threshold: who answers what is at least as sure as `threshold` answers that `coverage` of all, with that `risk`."""

    threshold: Floats
    coverage: Floats
    risk: Floats


def risk_coverage(confidence: Sequence[float], loss: Sequence[float]) -> Curve:
    """The curve: a point a distinct confidence; risk is the mean loss of what is answered. Source: El-Yaniv and Wiener (2010), JMLR 11."""
    order, last = _surest_first(confidence)
    ends = np.unique(last)
    lost = np.cumsum(np.asarray(loss, float)[order])[ends]
    return Curve(np.asarray(confidence, float)[order][ends], (ends + 1) / len(order), lost / (ends + 1))


def aurc(confidence: Sequence[float], loss: Sequence[float]) -> Statistic:
    """The mean, over all answers, of the risk at the threshold that just lets that answer through; 0 is best.

    A random confidence gives the mean loss. Source: Geifman, Uziel and El-Yaniv (2019), Bias-Reduced Uncertainty Estimation, ICLR; equally
    sure answers pass together.
    """
    order, last = _surest_first(confidence)
    losses = np.asarray(loss, float)[order]
    first = np.flatnonzero(np.diff(last, prepend=-1))

    def statistic(weights: Weights) -> Floats:
        passed = weights[:, order]
        equally_sure = np.add.reduceat(passed, first, axis=1)
        answered = np.cumsum(equally_sure, axis=1)
        lost = np.cumsum(np.add.reduceat(passed * losses, first, axis=1), axis=1)
        risk = np.divide(lost, answered, out=np.zeros_like(lost), where=answered > 0)
        area: Floats = (equally_sure * risk).sum(axis=1) / answered[:, -1]
        return area

    return statistic


def _surest_first(confidence: Sequence[float]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The order, surest first, and for each place in it the last one that is equally sure."""
    sure = np.asarray(confidence, float)
    order = np.argsort(-sure, kind="stable")
    return order, np.searchsorted(-sure[order], -sure[order], side="right") - 1
