"""Abstention: to answer what has an answer, and nothing else."""

from kit.datasets.case import Case
from services.evaluator.answered import Answered
from services.evaluator.scorers.by_rule import one
from services.evaluator.scorers.scorer import Judgement, Score, Scorer
from services.evaluator.scorers.tools import Tools


def make(_: Tools) -> Scorer:
    """Its scorer."""
    return one("abstention", abstention)


def abstention(case: Case, answer: Answered) -> Judgement:
    """1 if it abstained just because the question has no answer, or answered one that has; else 0."""
    did = "abstained" if answer.abstained else "answered"
    return Score(float(answer.abstained != case.answerable), f"{did}; the question has {'an' if case.answerable else 'no'} answer")
