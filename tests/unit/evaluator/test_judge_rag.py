"""A judge behind rag's real route, with a model that says what it is told."""

from typing import Any

import httpx2
import pytest

from kit.clock import SystemClock
from kit.errors import Permanent, Transient
from kit.fakes.llm import Line, ScriptedLLM
from kit.gateway.structured import Structured
from kit.ports.llm import ModelRef
from services.evaluator.http_rag import HttpRag
from services.evaluator.judge import Judge, Matter, Opinion, Section
from services.evaluator.judge_rag import RagJudge
from services.evaluator.scorers.matters import Rating
from tests.unit.rag.served import app_over, with_parts

MATTER = Matter("Rate it.", (Section("question", "Why?"), Section("answer", "So.")), Rating, lambda form: Opinion(form.rating, form.reason))


class Says:
    """A rag that answers everything with the same."""

    def __init__(self, answer: object) -> None:
        self._answer = answer

    async def send(self, *_: object) -> Any:
        """That."""
        return self._answer


async def opinion(llm: ScriptedLLM) -> Opinion:
    """What the judge thinks in one order."""
    app = with_parts(app_over(Structured(llm)))
    async with httpx2.AsyncClient(base_url="http://rag", transport=httpx2.ASGITransport(app)) as http:
        return await Judge(RagJudge(HttpRag(http, SystemClock()), "openai", "gpt-5")).opinion(MATTER)


async def test_a_form_is_filled_by_the_model_that_is_set_up() -> None:
    """With the schema, and the two messages."""
    llm = ScriptedLLM(['{"reason": "fine", "rating": 4}'])

    found = await opinion(llm)

    request = llm.requests[0]
    assert found == Opinion(4, "fine")
    assert [message.role for message in request.messages] == ["system", "user"]
    assert (request.models, request.response_schema) == ((ModelRef("openai", "gpt-5"),), Rating.model_json_schema())


@pytest.mark.parametrize("lines", [["no JSON"], ['{"reason": "great", "rating": 6}']])
async def test_what_does_not_fit_the_form_even_at_a_second_try_is_permanent(lines: list[Line]) -> None:
    """So that the score is unscored, with the reason."""
    llm = ScriptedLLM(lines)

    with pytest.raises(Permanent, match="does not fit the response schema") as caught:
        await opinion(llm)

    assert (caught.value.code, len(llm.requests)) == ("llm_output_invalid", 2)


async def test_a_provider_that_is_busy_is_asked_again_later() -> None:
    """By whoever asked for the score."""
    with pytest.raises(Transient):
        await opinion(ScriptedLLM([Transient("budget_exceeded", "too many tokens this minute")]))


async def test_a_model_that_refuses_to_judge_gives_no_opinion() -> None:
    """It is named."""
    refusing = Says({"finish_reason": "refused", "parsed": None, "provider": "openai", "model": "gpt-5"})

    with pytest.raises(Permanent, match="openai/gpt-5 refused to judge"):
        await Judge(RagJudge(refusing, "openai", "gpt-5")).opinion(MATTER)


@pytest.mark.parametrize("answer", [{"parsed": {}}, {"finish_reason": "stop"}, {"finish_reason": "refused"}, ["stop"], None])
async def test_what_is_no_answer_of_rag_is_asked_for_again(answer: object) -> None:
    """As where a case is asked: another server may stand at the address for a while."""
    with pytest.raises(Transient) as caught:
        await Judge(RagJudge(Says(answer), "openai", "gpt-5")).opinion(MATTER)

    assert caught.value.code == "rag_answer_invalid"
