"""Cases and answers to score, with what a test does not care about filled in."""

from collections.abc import Sequence
from typing import Any

from contracts.queries import NamedVersion
from kit.datasets.case import Case, Gold
from services.evaluator.answered import Answered, Cited, Passage
from services.evaluator.scorers.scorer import Judgement, Score, Unscored


def case(*answers: str, gold: Sequence[Gold] = (), question: str = "What is it?") -> Case:
    """An answerable question."""
    return Case(id="c1", question=question, answers=answers, gold=tuple(gold))


def unanswerable() -> Case:
    """A question that has no answer."""
    return Case(id="c2", question="What is it?", answerable=False)


def answered(text: str = "", **changes: Any) -> Answered:
    """An answer that says `text`."""
    given: dict[str, Any] = {
        "abstained": False,
        "citations": (),
        "passages": (),
        "variant": NamedVersion(name="default", version="1"),
        "prompt": NamedVersion(name="grounded-answer", version="1"),
        "provider": "scripted",
        "model": "script",
        "input_tokens": 10,
        "output_tokens": 2,
        "cost_usd": 0.25,
        "latency_ms": 120.0,
    }
    return Answered(text=text, **(given | changes))


def abstained() -> Answered:
    """An answer that says there is none."""
    return answered("I don't know.", abstained=True)


def passage(document_id: str, start: int = 0, end: int = 10, text: str = "") -> Passage:
    """A retrieved one."""
    return Passage(document_id, start, start + len(text) if text else end, text, 1.0)


def cited(document_id: str, start: int = 0, end: int = 10, quote: str = "") -> Cited:
    """A verified one."""
    return Cited(document_id, start, start + len(quote) if quote else end, quote)


def span(document_id: str, start: int, end: int) -> Gold:
    """A gold span."""
    return Gold(document_id=document_id, start=start, end=end)


def value(judgement: Judgement) -> float:
    """The score's value."""
    assert isinstance(judgement, Score), judgement
    return judgement.value


def reason(judgement: Judgement) -> str:
    """Why there is no score."""
    assert isinstance(judgement, Unscored), judgement
    return judgement.reason
