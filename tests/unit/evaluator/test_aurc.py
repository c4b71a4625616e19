"""Risk and coverage: what a threshold on confidence lets through, and how much of it is wrong."""

import numpy as np
import pytest

from services.evaluator.metrics.aurc import aurc, risk_coverage
from services.evaluator.statistics.bootstrap import Resampling, apart, bootstrap


def area(confidence: list[float], loss: list[float]) -> float:
    """Of all answers, each once."""
    return float(aurc(confidence, loss)(np.ones((1, len(loss))))[0])


def by_hand(confidence: list[float], loss: list[float]) -> float:
    """By the definition: the mean over answers of the mean loss of those that are at least as sure."""
    return float(np.mean([np.mean([lost for other, lost in zip(confidence, loss, strict=True) if other >= sure]) for sure in confidence]))


def test_the_curve_has_a_point_a_threshold() -> None:
    """Equally sure answers pass together."""
    curve = risk_coverage([0.2, 0.9, 0.5, 0.5], [1, 0, 1, 0])

    assert curve.threshold.tolist() == [0.9, 0.5, 0.2]
    assert curve.coverage.tolist() == [0.25, 0.75, 1.0]
    assert curve.risk.tolist() == pytest.approx([0, 1 / 3, 0.5])


@pytest.mark.parametrize("digits", [1, 12])
def test_the_area_is_that_of_the_definition(digits: int) -> None:
    """With many equal confidences and with none, for any loss."""
    rng = np.random.default_rng(1)
    confidence, loss = rng.uniform(size=80).round(digits).tolist(), rng.uniform(size=80).tolist()

    assert area(confidence, loss) == pytest.approx(by_hand(confidence, loss), abs=1e-9)


def test_a_weight_counts_like_copies() -> None:
    """So a bootstrap may use weights for its resamples."""
    confidence, loss, weights = [0.9, 0.6, 0.6, 0.1], [0.0, 1.0, 0.0, 1.0], [2, 1, 0, 3]
    copies = np.repeat(np.arange(4), weights)

    found = float(aurc(confidence, loss)(np.array([weights], float))[0])

    assert found == pytest.approx(by_hand([confidence[at] for at in copies], [loss[at] for at in copies]), abs=1e-9)


def test_a_good_confidence_has_less_area_than_chance_and_chance_that_of_the_mean_loss() -> None:
    """With 30 % wrong answers."""
    rng = np.random.default_rng(2)
    loss = (rng.uniform(size=2_000) < 0.3).astype(float)

    chance = bootstrap(aurc(rng.uniform(size=2_000).tolist(), loss.tolist()), apart(2_000), rng, Resampling(200))

    assert chance.low < loss.mean() < chance.high
    assert area((1 - loss).tolist(), loss.tolist()) < chance.low
