"""Groundedness: the share of an answer's sentences whose words stand in what they cite."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from kit.adapters.sentences import Sentence, sentences
from kit.datasets.case import Case
from services.evaluator.answered import Answered, Cited
from services.evaluator.metrics.spans import Span, shared
from services.evaluator.scorers.by_rule import one
from services.evaluator.scorers.reasons import ABSTAINED
from services.evaluator.scorers.said import Marked, unmarked
from services.evaluator.scorers.scorer import Judgement, Score, Scorer, Unscored
from services.evaluator.scorers.tools import Tools
from services.evaluator.scorers.words import STOP_WORDS, stems, tokens

# 100 answers that people wrote from documentation, in their own words, score 0.77 on average against the chunks they were written from,
# 0.16 against other chunks about the question, 0 against random ones. With 3 that is 0.81, 0.26 and 0.005, with 5 0.67, 0.09 and 0.
_WORDS_FOR_ONE_MISSING = 4


@dataclass(frozen=True, slots=True)
class Statement:
    """A sentence of an answer, and what it cites; a sentence without a marker cites what the whole answer does."""

    text: str
    citations: tuple[Cited, ...]


def make(_: Tools) -> Scorer:
    """Its scorer."""
    return one("groundedness", groundedness)


def groundedness(_: Case, answer: Answered) -> Judgement:
    """From 0 to 1. It sees what is made up, not what is turned round: a lost "not" goes unnoticed, and a synonym counts as missing.

    A sentence is supported if its quotes, with the passages that they stand in, hold three quarters of its words that say something,
    and all of its numbers and names. An answer without citations is held against all of its passages.
    """
    if answer.abstained:
        return ABSTAINED
    checked = [statement for statement in statements(answer) if _telling(statement.text)]
    if not checked:
        return Unscored("no sentence has a word that says something")
    stems_of = cache(lambda text: frozenset(stems(text)))  # sentences cite the same passages
    bare = [each.text for each in checked if not _is_supported(each.text, _evidence(each, answer), stems_of)]
    return Score(1 - len(bare) / len(checked), "; ".join(f"not supported: {text!r}" for text in bare))


def statements(answer: Answered) -> list[Statement]:
    """The sentences that state something, all of the text if none does."""
    text, marks = unmarked(answer)
    found = sentences(text) or [Sentence(text, 0, len(text), text, "")]
    cited = _by_sentence(found, marks)
    return [Statement(sentence.claim, tuple(own or answer.citations)) for sentence, own in zip(found, cited, strict=True)]


def _by_sentence(found: Sequence[Sentence], marks: Iterable[Marked]) -> list[list[Cited]]:
    """A marker belongs to the sentence that it stands in, or right behind."""
    starts = [sentence.start for sentence in found]
    cited: list[list[Cited]] = [[] for _ in found]
    for mark in marks:
        cited[max(0, bisect_left(starts, mark.at) - 1)].append(mark.citation)
    return cited


def _evidence(statement: Statement, answer: Answered) -> list[str]:
    if not statement.citations:
        return [passage.text for passage in answer.passages]
    spans = [Span(cited.document_id, cited.start, cited.end) for cited in statement.citations]
    passages = [
        passage.text
        for passage in answer.passages
        if any(shared(span, Span(passage.document_id, passage.start, passage.end)) for span in spans)
    ]
    return [*(cited.quote for cited in statement.citations), *passages]


def _is_supported(text: str, evidence: Iterable[str], stems_of: Callable[[str], frozenset[str]]) -> bool:
    telling, there = _telling(text), frozenset[str]().union(*map(stems_of, evidence))
    missing = [token for token in telling if not there.issuperset(stems_of(token))]
    names = {token for token in tokens(text)[1:] if token[0].isupper()}
    return _WORDS_FOR_ONE_MISSING * len(missing) <= len(telling) and not any(
        token in names or any(map(str.isdigit, token)) for token in missing
    )


def _telling(text: str) -> list[str]:
    return [token for token in tokens(text) if token.casefold() not in STOP_WORDS]
