"""Answer contains: an accepted answer stands in what was said, whatever else does."""

from kit.datasets.case import Case
from services.evaluator.answered import Answered
from services.evaluator.scorers.by_rule import one
from services.evaluator.scorers.reasons import NO_ANSWERS, UNANSWERABLE
from services.evaluator.scorers.said import said
from services.evaluator.scorers.scorer import Judgement, Score, Scorer
from services.evaluator.scorers.squad import Tokens, tokens
from services.evaluator.scorers.tools import Tools


def make(_: Tools) -> Scorer:
    """Its scorer."""
    return one("answer_contains", answer_contains)


def answer_contains(case: Case, answer: Answered) -> Judgement:
    """1 if the words of an accepted answer, as SQuAD compares them, stand there in a row; else 0."""
    if not case.answerable:
        return UNANSWERABLE
    golds = [gold for gold in case.answers if tokens(gold)]
    if not golds:
        return NO_ANSWERS
    told = tokens(said(answer))
    held = next((gold for gold in golds if _holds(told, tokens(gold))), None)
    if held is not None:
        return Score(1.0, f"says {held!r}")
    return Score(0.0, "it abstained" if answer.abstained else f"says none of {', '.join(map(repr, golds))}")


def _holds(told: Tokens, gold: Tokens) -> bool:
    return f" {' '.join(gold)} " in f" {' '.join(told)} "
