"""How SQuAD 2 compares answers. Source: Rajpurkar et al. (2018), Know What You Don't Know, in the form of `evaluate-v2.0.py`."""

import re
import string
from collections.abc import Callable
from functools import lru_cache

from kit.datasets.case import Case
from services.evaluator.answered import Answered
from services.evaluator.scorers.reasons import NO_ANSWERS
from services.evaluator.scorers.said import said
from services.evaluator.scorers.scorer import Judgement, Score

_ARTICLES = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)
# Texts whose words are remembered, for several scorers read the same ones.
_OF_A_FEW_CASES = 64
Tokens = tuple[str, ...]


@lru_cache(_OF_A_FEW_CASES)
def tokens(text: str) -> Tokens:
    """The words in lower case, without ASCII punctuation and articles."""
    return tuple(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def accepted(case: Case) -> list[str]:
    """The answers of which a word is left; an empty one alone, that of who abstains, if there are none."""
    return [answer for answer in case.answers if tokens(answer)] or [""]


def best(case: Case, answer: Answered, similarity: Callable[[Tokens, Tokens], float]) -> Judgement:
    """The greatest similarity of what was said to an accepted answer; an abstention says nothing."""
    if case.answerable and not case.answers:
        return NO_ANSWERS
    told = tokens(said(answer))
    value, gold = max(((similarity(told, tokens(gold)), gold) for gold in accepted(case)), key=lambda pair: pair[0])
    return Score(value, f"nearest to {gold!r}" if gold else "the right answer is none")
