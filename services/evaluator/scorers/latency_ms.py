"""Latency: how long the caller waited, in milliseconds."""

from services.evaluator.scorers.by_rule import one
from services.evaluator.scorers.scorer import Score, Scorer
from services.evaluator.scorers.tools import Tools


def make(_: Tools) -> Scorer:
    """Its scorer."""
    return one("latency_ms", lambda _, answer: Score(answer.latency_ms))
