"""Confidence: how sure the answerer is, by its own word."""

from kit.datasets.case import Case
from services.evaluator.answered import Answered
from services.evaluator.scorers.by_rule import one
from services.evaluator.scorers.scorer import Judgement, Score, Scorer, Unscored
from services.evaluator.scorers.tools import Tools


def make(_: Tools) -> Scorer:
    """Its scorer."""
    return one("confidence", confidence)


def confidence(_: Case, answer: Answered) -> Judgement:
    """What the answer tells; `aurc` says whether it is worth anything."""
    return Unscored("the answer tells no confidence") if answer.confidence is None else Score(answer.confidence)
