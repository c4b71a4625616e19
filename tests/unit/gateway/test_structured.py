"""JSON that fits the schema of the request, after one repair at most, or an error."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import Permanent
from kit.fakes.llm import ScriptedLLM
from kit.gateway.structured import Structured
from kit.ports.llm import Completion, CompletionRequest, FinishReason, Role
from tests.unit.gateway.asking import ask, said

SCORE = {
    "type": "object",
    "properties": {"score": {"type": "number", "maximum": 1}},
    "required": ["score"],
    "additionalProperties": False,
}


def judged(schema: Any = SCORE) -> CompletionRequest:
    """A request with a schema."""
    return ask("How good is it?", response_schema=schema)


class Refusing(ScriptedLLM):
    """Will not say."""

    async def complete(self, request: CompletionRequest) -> Completion:
        return replace(await super().complete(request), finish_reason=FinishReason.REFUSED)


@pytest.mark.parametrize("text", ['{"score": 0.5}', '  {"score": 0.5}\n', '```json\n{"score": 0.5}\n```', '```\n{"score": 0.5}\n```\n'])
async def test_json_that_fits_is_parsed(text: str) -> None:
    """In a fence as well, as models without a JSON mode like to write it; the text stays as it came."""
    completion = await Structured(ScriptedLLM([text])).complete(judged())

    assert (completion.parsed, completion.text) == ({"score": 0.5}, text)


async def test_a_request_without_a_schema_passes_through() -> None:
    """Even if it says JSON."""
    completion = await Structured(ScriptedLLM(['{"score": 2}'])).complete(ask())

    assert completion.parsed is None


async def test_an_answer_that_does_not_fit_is_repaired_once() -> None:
    """The model is shown its answer and what is wrong, and both calls are counted."""
    inner = ScriptedLLM(['{"score": "high"}', '{"score": 1}'])

    completion = await Structured(inner).complete(judged())

    *before, answer, complaint = inner.requests[1].messages
    assert (completion.parsed, before) == ({"score": 1}, list(inner.requests[0].messages))
    assert (answer.role, answer.content, complaint.role) == (Role.ASSISTANT, '{"score": "high"}', Role.USER)
    assert '/score: "high" is not of type "number"' in complaint.content
    assert (completion.usage.input_tokens, completion.usage.output_tokens) == (4 + 6 + len(complaint.content.split()), 4)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("Well, I think", "it is no JSON"),
        ('{"score": 2}', "/score: 2 is greater than the maximum of 1"),
        ('{"grade": 1}', "the whole: .*grade"),
        ('{"score": NaN}', "it is no JSON"),
        ("[" * 9_999, "it is no JSON"),
        ('"\\ud800"', "it is no JSON"),
    ],
)
async def test_an_answer_that_cannot_be_repaired_is_an_error_that_says_why(text: str, wrong: str) -> None:
    """After two calls, and no more."""
    inner = ScriptedLLM([text])

    with pytest.raises(Permanent, match=wrong) as told:
        await Structured(inner).complete(judged())

    assert (told.value.code, len(inner.requests)) == ("llm_output_invalid", 2)


async def test_an_answer_that_was_cut_off_is_not_asked_for_again() -> None:
    """It would be cut off at the same place: the error says what to raise."""
    inner = ScriptedLLM(['{"score": 0.5, "why": "because"}'])

    with pytest.raises(Permanent, match="raise max_tokens"):
        await Structured(inner).complete(replace(judged(), max_tokens=2))

    assert len(inner.requests) == 1


async def test_a_refusal_is_handed_on_with_nothing_parsed() -> None:
    """The model answered, and its answer is no."""
    completion = await Structured(Refusing(["I will not."])).complete(judged())

    assert (completion.finish_reason, completion.parsed) == (FinishReason.REFUSED, None)


async def test_a_stream_is_parsed_at_its_end() -> None:
    """Its pieces go on as they come."""
    *pieces, last = [piece async for piece in Structured(ScriptedLLM(['{"score": 0.5}'])).stream(judged())]

    assert pieces == ['{"score": ', "0.5}"]
    assert isinstance(last, Completion)
    assert last.parsed == {"score": 0.5}


async def test_a_stream_that_does_not_fit_is_an_error_without_a_repair() -> None:
    """Its pieces are out already."""
    inner = ScriptedLLM(['{"score": 2}', '{"score": 1}'])

    with pytest.raises(Permanent, match="greater than the maximum"):
        await said(Structured(inner), judged())

    assert len(inner.requests) == 1


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "nonsense"},
        {"pattern": "("},
        {"$ref": "http://127.0.0.1:9/schema.json"},
        {"$ref": "file:///etc/hostname"},
        {"$ref": "#/$defs/x"},
    ],
)
async def test_a_schema_that_cannot_be_used_is_refused_before_any_call(schema: dict[str, Any]) -> None:
    """Nobody pays for an answer that could not be checked."""
    inner = ScriptedLLM(["{}"])

    with pytest.raises(Permanent, match="response schema") as told:
        await Structured(inner).complete(judged(schema))

    assert (told.value.code, inner.requests) == ("response_schema_invalid", [])


async def test_a_reference_to_a_file_is_not_followed(tmp_path: Path) -> None:
    """Nor one to another server: schemas come from callers."""
    elsewhere = tmp_path / "schema.json"
    elsewhere.write_text("{}")

    with pytest.raises(Permanent, match="cannot fetch"):
        await Structured(ScriptedLLM(["{}"])).complete(judged({"$ref": elsewhere.as_uri()}))


async def test_a_hostile_pattern_holds_nobody_up() -> None:
    """One for which a backtracking engine would need 2^60 steps."""
    began = time.process_time()

    with pytest.raises(Permanent, match="does not match"):
        await Structured(ScriptedLLM([f'"{"a" * 60}!"'])).complete(judged({"pattern": "^(a+)+$"}))

    assert time.process_time() - began < 1


@given(st.text())
async def test_whatever_the_model_says_it_fits_or_is_an_error(text: str) -> None:
    """Never anything that does not."""
    try:
        parsed, code = (await Structured(ScriptedLLM([text])).complete(judged({"type": ["integer", "null"]}))).parsed, ""
    except Permanent as error:
        parsed, code = None, error.code

    assert parsed is None or parsed == int(parsed)  # 0E0 is an integer, says JSON Schema
    assert code in ("", "llm_output_invalid")
