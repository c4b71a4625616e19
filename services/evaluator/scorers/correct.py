"""Correct: answered right, or rightly not at all."""

from kit.datasets.case import Case
from services.evaluator.answered import Answered
from services.evaluator.scorers.abstention import abstention
from services.evaluator.scorers.answer_contains import answer_contains
from services.evaluator.scorers.by_rule import one
from services.evaluator.scorers.scorer import Judgement, Scorer
from services.evaluator.scorers.tools import Tools


def make(_: Tools) -> Scorer:
    """Its scorer."""
    return one("correct", correct)


def correct(case: Case, answer: Answered) -> Judgement:
    """1 if it holds an accepted answer or, where there is none, abstains; else 0."""
    return answer_contains(case, answer) if case.answerable else abstention(case, answer)
