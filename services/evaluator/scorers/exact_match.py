"""Exact match: the answer is an accepted one, word for word."""

from kit.datasets.case import Case
from services.evaluator.answered import Answered
from services.evaluator.scorers.by_rule import one
from services.evaluator.scorers.scorer import Judgement, Scorer
from services.evaluator.scorers.squad import Tokens, best
from services.evaluator.scorers.tools import Tools


def make(_: Tools) -> Scorer:
    """Its scorer."""
    return one("exact_match", exact_match)


def exact_match(case: Case, answer: Answered) -> Judgement:
    """1 or 0, as SQuAD 2 does it: where there is no answer, 1 for who says nothing."""
    return best(case, answer, _equal)


def _equal(told: Tokens, gold: Tokens) -> float:
    return float(told == gold)
