"""What a judge is asked about an answer, or why it is not asked."""

from typing import Literal

from pydantic import Field

from kit.datasets.case import Case
from services.evaluator.answered import Answered
from services.evaluator.judge import Form, Matter, Opinion, Section
from services.evaluator.judge_prompts import ANSWER_RELEVANCY, CORRECTNESS, FAITHFULNESS
from services.evaluator.scorers.groundedness import statements
from services.evaluator.scorers.reasons import ABSTAINED, NO_ANSWERS, UNANSWERABLE
from services.evaluator.scorers.said import said
from services.evaluator.scorers.scorer import Judgement, Score


class Rating(Form):
    """How good an answer is."""

    reason: str = Field(description="a sentence or two")
    rating: Literal[1, 2, 3, 4, 5]


class Unsupported(Form):
    """What of an answer no passage says."""

    reason: str = Field(description="a sentence or two")
    unsupported: tuple[int, ...] = Field(description="numbers of statements")


def faithfulness(case: Case, answer: Answered) -> Matter[Unsupported] | Judgement:
    """The share of its statements that its passages support."""
    if answer.abstained:
        return ABSTAINED
    told = [statement.text for statement in statements(answer)]
    passages = [Section("passage", passage.text, number) for number, passage in enumerate(answer.passages, 1)]
    numbered = "\n".join(f"{number}. {text}" for number, text in enumerate(told, 1))
    sections = (Section("question", case.question), *passages, Section("answer", numbered))
    return Matter(FAITHFULNESS, sections, Unsupported, lambda form: _share(form, told))


def answer_relevancy(case: Case, answer: Answered) -> Matter[Rating] | Judgement:
    """How well it meets the question."""
    if answer.abstained:
        return ABSTAINED
    sections = (Section("question", case.question), Section("answer", said(answer)))
    return Matter(ANSWER_RELEVANCY, sections, Rating, _rated)


def correctness(case: Case, answer: Answered) -> Matter[Rating] | Judgement:
    """How much it says of what an accepted answer says."""
    if not case.answerable:
        return UNANSWERABLE
    if not case.answers:
        return NO_ANSWERS
    if answer.abstained:
        return Score(0.0, "it abstained")
    references = [Section("reference", gold, number) for number, gold in enumerate(case.answers, 1)]
    sections = (Section("question", case.question), *references, Section("answer", said(answer)))
    return Matter(CORRECTNESS, sections, Rating, _rated)


def _rated(form: Rating) -> Opinion:
    return Opinion((form.rating - 1) / 4, form.reason)


def _share(form: Unsupported, told: list[str]) -> Opinion:
    numbers = sorted(set(form.unsupported))
    if strange := [number for number in numbers if not 1 <= number <= len(told)]:
        raise ValueError(f"it names statement {strange[0]} of {len(told)}")
    bare = "".join(f"; not supported: {told[number - 1]!r}" for number in numbers)
    return Opinion(1 - len(numbers) / len(told), form.reason + bare)
