"""ROUGE-L: how long a sequence of words the answer shares with an accepted one, gaps allowed."""

import re

from kit.datasets.case import Case
from services.evaluator.answered import Answered
from services.evaluator.scorers.by_rule import one
from services.evaluator.scorers.reasons import NO_ANSWERS, UNANSWERABLE
from services.evaluator.scorers.said import said
from services.evaluator.scorers.scorer import Judgement, Score, Scorer
from services.evaluator.scorers.tools import Tools

# Words of any script; of ASCII texts, the same as those of `rouge-score`.
_WORD = re.compile(r"[^\W_]+")


def make(_: Tools) -> Scorer:
    """Its scorer."""
    return one("rouge_l", rouge_l)


def rouge_l(case: Case, answer: Answered) -> Judgement:
    """The F-measure, the greatest over accepted answers, without stemming. Source: Lin (2004), ROUGE, section 3.1, with beta 1."""
    if not case.answerable:
        return UNANSWERABLE
    if not case.answers:
        return NO_ANSWERS
    told = _words(said(answer))
    value, gold = max(((_f_measure(told, _words(gold)), gold) for gold in case.answers), key=lambda pair: pair[0])
    return Score(value, f"nearest to {gold!r}")


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _f_measure(told: list[str], gold: list[str]) -> float:
    return 2 * longest_common(told, gold) / (len(told) + len(gold)) if told and gold else 0.0


def longest_common(one_: list[str], other: list[str]) -> int:
    """The length of the longest common subsequence.

    A row of the usual table is the bits of a number, 0 where it grows, so that a row takes a few operations.
    Source: Hyyrö (2004), Bit-parallel LCS-length computation revisited.
    """
    places: dict[str, int] = {}
    for at, word in enumerate(one_):
        places[word] = places.get(word, 0) | 1 << at
    full = row = (1 << len(one_)) - 1
    for word in other:
        grows = row & places.get(word, 0)
        row = (row + grows | row - grows) & full
    return len(one_) - row.bit_count()
