"""Token F1: how many words the answer shares with an accepted one."""

from collections import Counter

from kit.datasets.case import Case
from services.evaluator.answered import Answered
from services.evaluator.scorers.by_rule import one
from services.evaluator.scorers.scorer import Judgement, Scorer
from services.evaluator.scorers.squad import Tokens, best
from services.evaluator.scorers.tools import Tools


def make(_: Tools) -> Scorer:
    """Its scorer."""
    return one("token_f1", token_f1)


def token_f1(case: Case, answer: Answered) -> Judgement:
    """From 0 to 1, as SQuAD 2 does it: where one of both has no words, 1 if neither has."""
    return best(case, answer, _f1)


def _f1(told: Tokens, gold: Tokens) -> float:
    """2PR / (P + R), which is 2 shared / (words of both)."""
    if not told or not gold:
        return float(told == gold)
    return 2 * (Counter(told) & Counter(gold)).total() / (len(told) + len(gold))
