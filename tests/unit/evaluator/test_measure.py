"""One case: an answer with its scores, or an error with its reason."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from contracts.queries import NamedVersion
from kit.clock import FakeClock
from kit.datasets.case import Case
from kit.errors import DependencyDown, Permanent, Transient
from services.evaluator.answered import Answered
from services.evaluator.case_store import Result, Waiting
from services.evaluator.measure import Measure
from services.evaluator.rag import TIMEOUT, Refused
from services.evaluator.scorers.scorer import Judgement, Score
from tests.unit.evaluator.rags import PROMPT, ScriptedRag, pinned

CASE = Waiting(4, 1, Case(id="c", question="Why?", answers=("Because.",)))
LATER = 1_000.0


class Length:
    """Scores how long an answer is; fails first with what is listed."""

    names = ("length",)

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)

    async def judge(self, case: Case, answer: Answered) -> dict[str, Judgement]:
        """Raises the next failure, if there is one left."""
        if self.failures:
            raise self.failures.pop(0)
        return {"length": Score(len(answer.text))}


@dataclass(frozen=True)
class SlowToFail(ScriptedRag):
    """Every try takes so many seconds of the clock, and fails."""

    clock: FakeClock = field(default_factory=FakeClock)
    takes_s: float = 20.0

    async def ask(self, question: str, variant: Any) -> Answered:
        """Fails late."""
        self.asked.questions.append((None, question))
        await self.clock.sleep(self.takes_s)
        raise Transient("llm_failed", "try again")


async def measured(rag: ScriptedRag, scorer: Length | None = None, within_s: float = LATER) -> Result | None:
    """What comes of the case."""
    clock = FakeClock()
    measure = Measure(rag, [scorer or Length()], pinned("b").variant, PROMPT, clock)
    until = clock.monotonic() + within_s
    answer = await measure.answered(CASE, until)
    return await measure.scored(CASE, answer, until) if isinstance(answer, Answered) else answer


async def test_an_answer_is_scored() -> None:
    """Under its place and its repeat."""
    result = await measured(ScriptedRag({"Why?": "Therefore."}))

    assert result is not None
    assert result.answer is not None
    assert (result.ordinal, result.repeat, result.answer.text, result.error) == (4, 1, "Therefore.", None)
    assert result.scores == {"length": Score(10)}


async def test_what_passes_is_tried_again() -> None:
    """An answer that comes at the third try is an answer."""
    rag = ScriptedRag({"Why?": [Transient("rag_failed", "again"), Transient("rag_failed", "again"), "At last."]})

    result = await measured(rag)

    assert result is not None
    assert result.answer is not None
    assert result.answer.text == "At last."
    assert len(rag.asked.questions) == 3


@pytest.mark.parametrize(
    ("error", "tries"),
    [(Refused("prompt_too_long", "shorten it"), 1), (Transient(TIMEOUT, "too slow"), 2), (Transient("rag_failed", "broken"), 4)],
    ids=["refused", "timeout", "failing"],
)
async def test_a_question_without_an_answer_is_an_error_and_no_zero(error: Any, tries: int) -> None:
    """It says why, and has no scores."""
    rag = ScriptedRag({"Why?": [error] * 9})

    result = await measured(rag)

    assert result == Result(4, 1, error=error.message, code=error.code)
    assert len(rag.asked.questions) == tries


async def test_a_scorer_that_fails_for_a_moment_does_not_ask_again() -> None:
    """The answer may have cost something."""
    rag = ScriptedRag()

    result = await measured(rag, Length(Transient("rag_failed", "no vectors now")))

    assert result is not None
    assert result.scores == {"length": Score(4)}
    assert len(rag.asked.questions) == 1


async def test_a_case_waits_for_another_message_if_no_time_is_left() -> None:
    """It has no result then, not even an error."""
    assert await measured(ScriptedRag({"Why?": Transient("rag_failed", "again")}), within_s=0.1) is None


async def test_a_question_that_fails_slowly_is_an_error_though_no_message_has_time_for_all_its_tries() -> None:
    """Or it would be told again for ever, and its run had no end."""
    rag = SlowToFail()
    measure = Measure(rag, [Length()], pinned("b").variant, PROMPT, rag.clock)

    result = await measure.answered(CASE, rag.clock.monotonic() + 60)

    assert result == Result(4, 1, error="try again", code="llm_failed")
    assert len(rag.asked.questions) == 3


async def test_a_pause_that_no_message_outlasts_is_no_pause() -> None:
    """A day's budget that is spent would be asked for ever."""
    result = await measured(ScriptedRag({"Why?": Transient("budget_exceeded", "tomorrow", after_s=30_000)}))

    assert result is not None
    assert result.code == "budget_exceeded"


async def test_an_answer_that_had_to_do_without_something_is_not_the_variants() -> None:
    """The best sentences in place of a model's answer would be measured as the model's."""
    result = await measured(ScriptedRag(degraded=("llm",)))

    assert result is not None
    assert (result.code, result.scores) == ("answer_degraded", {})
    assert "llm" in str(result.error)


async def test_an_answer_by_another_prompt_ends_the_evaluation() -> None:
    """A label moved: half of the answers would be another variant's."""
    with pytest.raises(Permanent) as raised:
        await measured(ScriptedRag(prompt=NamedVersion(name="grounded-answer", version="2")))

    assert raised.value.code == "prompt_moved"


async def test_no_answer_is_told_while_rag_is_away() -> None:
    """It is nobody's fault."""
    with pytest.raises(DependencyDown):
        await measured(ScriptedRag({"Why?": DependencyDown("rag_down", "away")}))


async def test_a_judge_whose_budget_is_spent_makes_the_case_unpaid() -> None:
    """As a question does that there is no money for: a run with such a case fails."""
    result = await measured(ScriptedRag(), Length(Refused("budget_spent", "no room")))

    assert result == Result(4, 1, error="no room", code="budget_spent")
