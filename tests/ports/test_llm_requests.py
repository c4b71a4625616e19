"""What a provider is sent, and what an answer costs."""

import pytest

from kit.adapters.strict_schema import is_strict
from kit.errors import Permanent
from kit.settings import LLMProvider
from tests.ports.llm_clients import PASSAGE, QUESTION, SCHEMA, Address, asked, asking, opened, streamed
from tests.ports.model_server import ModelServer
from tests.ports.wire.script import READ, Body


async def sent(models: ModelServer, provider: LLMProvider, model: str = "some-model", **changes: object) -> Body:
    """The body of the request that one question makes."""
    async with opened(provider, Address(models.url, model=model)) as llm:
        await llm.complete(asking(**changes))  # type: ignore[arg-type]
    return models.bodies[-1]


async def test_a_reasoning_model_gets_no_temperature(models: ModelServer) -> None:
    """It would refuse the call; but a compatible server may call its models what it likes."""
    thinking = await sent(models, LLMProvider.OPENAI, "gpt-5-mini")
    plain = await sent(models, LLMProvider.OPENAI, "gpt-4o")
    other = await sent(models, LLMProvider.OPENAI_COMPATIBLE, "gpt-5-mini")

    assert thinking["max_completion_tokens"] == plain["max_tokens"] == other["max_tokens"] == 100
    assert ("temperature" in thinking, plain["temperature"], other["temperature"]) == (False, 0.0, 0.0)


async def test_the_system_message_goes_where_anthropic_wants_it(models: ModelServer) -> None:
    """It is no turn of the conversation there."""
    body = await sent(models, LLMProvider.ANTHROPIC)

    assert body["system"] == "Be brief."
    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "user"]


async def test_stop_and_seed_are_sent_as_each_provider_calls_them(models: ModelServer) -> None:
    """Anthropic knows no seed; what is not wanted is not sent."""
    openai = await sent(models, LLMProvider.OPENAI, stop=("END",), seed=7)
    anthropic = await sent(models, LLMProvider.ANTHROPIC, stop=("END",), seed=7)
    bare = await sent(models, LLMProvider.OPENAI, temperature=None)

    assert (openai["stop"], openai["seed"], anthropic["stop_sequences"]) == (["END"], 7, ["END"])
    assert "seed" not in anthropic
    assert bare.keys() == {"model", "messages", "max_tokens"}


async def test_a_schema_is_sent_as_each_provider_takes_it(models: ModelServer) -> None:
    """OpenAI keeps to it strictly where it can; Anthropic is told in words what it cannot check."""
    openai = (await sent(models, LLMProvider.OPENAI, response_schema=SCHEMA))["response_format"]
    anthropic = (await sent(models, LLMProvider.ANTHROPIC, response_schema=SCHEMA))["output_config"]["format"]

    assert (openai["type"], openai["json_schema"]["schema"], openai["json_schema"]["strict"]) == ("json_schema", SCHEMA, True)
    assert (anthropic["type"], anthropic["schema"]["required"]) == ("json_schema", ["days"])
    assert "minimum: 1" in anthropic["schema"]["properties"]["days"]["description"]


async def test_a_schema_that_anthropic_cannot_take_is_refused_before_the_call(models: ModelServer) -> None:
    """With a word on what to change."""
    with pytest.raises(Permanent, match="change it"):
        await sent(models, LLMProvider.ANTHROPIC, response_schema={"description": "anything"})

    assert models.bodies == []


@pytest.mark.parametrize(
    ("change", "strict"),
    [
        ({}, True),
        ({"additionalProperties": True}, False),
        ({"required": []}, False),
        ({"type": "array"}, False),
        ({"properties": {"days": {"anyOf": [{"type": "integer"}, {"type": "object", "properties": {"a": {}}}]}}}, False),
        ({"properties": {"days": {"type": "array", "items": {"allOf": [{"type": "integer"}]}}}}, False),
        ({"$defs": {"open": {"type": "object", "properties": {}}}}, False),
    ],
)
def test_only_a_closed_schema_is_asked_for_strictly(change: dict[str, object], strict: bool) -> None:
    """OpenAI refuses strict mode for any other."""
    assert is_strict({**SCHEMA, **change}) is strict


@pytest.mark.parametrize("how", ["complete", "stream"])
@pytest.mark.parametrize(
    ("provider", "model", "dollars"),
    [
        (LLMProvider.OPENAI, "gpt-4o", (600 * 2.5 + 400 * 1.25 + 5 * 10) / 1e6),
        (LLMProvider.ANTHROPIC, "claude-haiku-4-5", (600 * 1 + 400 * 0.1 + 5 * 5) / 1e6),
        (LLMProvider.OPENAI, "somebody's-own", None),
        (LLMProvider.OPENAI_COMPATIBLE, "gpt-4o", (600 * 2.5 + 400 * 1.25 + 5 * 10) / 1e6),
        (LLMProvider.OPENAI_COMPATIBLE, "smollm2", None),
    ],
)
async def test_a_call_costs_what_the_price_list_says(
    models: ModelServer, how: str, provider: LLMProvider, model: str, dollars: float | None
) -> None:
    """Dollars a million tokens, less for those from the cache; an unknown model has no price, not the price zero.

    A compatible server that calls a model as OpenAI does is a proxy, most likely, and has OpenAI's price.
    """
    completion = await asked(how, provider, models.url, model)

    assert (completion.usage.input_tokens, completion.usage.output_tokens) == (READ, 5)
    assert completion.usage.cost_usd == (dollars and pytest.approx(dollars))
    assert completion.usage.estimated is False


@pytest.mark.parametrize("how", ["complete", "stream"])
async def test_tokens_that_a_server_does_not_count_are_estimated(models: ModelServer, how: str) -> None:
    """And the usage says so."""
    completion = await asked(how, LLMProvider.OPENAI_COMPATIBLE, models.url, "counts-nothing")

    assert completion.usage.estimated is True
    assert len(f"{PASSAGE} {QUESTION}".split()) < completion.usage.input_tokens < 60
    assert completion.usage.output_tokens == 7


async def test_the_providers_request_id_is_kept(models: ModelServer) -> None:
    """Whoever asks a provider's support needs it."""
    for provider in (LLMProvider.OPENAI, LLMProvider.ANTHROPIC):
        async with opened(provider, Address(models.url)) as llm:
            whole, (_, last) = await llm.complete(asking()), await streamed(llm, asking())

        assert [whole.provider_request_id, last.provider_request_id] == [f"req-{len(models.bodies) - 1}", f"req-{len(models.bodies)}"]
