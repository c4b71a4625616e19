"""The promise of `LLMClient`, kept by the scripted twin, the extractive answerer, and the adapters over real SDKs and HTTP."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager

import pytest
from pydantic import SecretStr

from kit.adapters.open_llm import open_llm
from kit.errors import DependencyDown, Permanent, Transient, WorkbenchError
from kit.fakes.embedding import HashEmbedding
from kit.fakes.llm import ScriptedLLM
from kit.ports.llm import Completion, CompletionRequest, FinishReason, Grounding, LLMClient, Message, Role
from kit.settings import LLMProvider, LLMSettings
from tests.ports.model_server import HANGS_S, READ, REPLY, ModelServer, model_server

NOBODY = "http://127.0.0.1:9"
PASSAGE = "Travel expenses are paid within 14 days of filing."
remote = pytest.mark.parametrize("provider", [LLMProvider.OPENAI, LLMProvider.ANTHROPIC])


@pytest.fixture(scope="module")
def server() -> Iterator[ModelServer]:
    """A server for both SDKs."""
    with model_server() as running:
        yield running


@pytest.fixture
def models(server: ModelServer) -> ModelServer:
    """The server, asked nothing yet."""
    server.bodies.clear()
    return server


@pytest.fixture(params=["scripted", *LLMProvider])
async def llm(request: pytest.FixtureRequest, models: ModelServer) -> AsyncIterator[LLMClient]:
    """Each client, ready to answer."""
    if request.param == "scripted":
        yield ScriptedLLM([REPLY])
    else:
        async with opened(request.param, models.url) as client:
            yield client


def opened(provider: LLMProvider | None, url: str, model: str = "some-model", **changes: object) -> AbstractAsyncContextManager[LLMClient]:
    """The client that the settings choose, pointed to `url`."""
    values = {"openai_api_key": SecretStr("k"), "openai_base_url": url, "openai_model": model, "anthropic_model": model}
    values |= {"anthropic_api_key": SecretStr("k"), "anthropic_base_url": url, "timeout_s": 5.0, **changes}
    return open_llm(LLMSettings.model_validate({"provider": provider, **values}), HashEmbedding())


def asking(question: str = "When are travel expenses paid?", max_tokens: int = 100) -> CompletionRequest:
    """A question over one passage."""
    turns = [(Role.USER, "Hello"), (Role.ASSISTANT, "Hello!"), (Role.USER, f"{PASSAGE} {question}")]
    messages = tuple(Message(role, content) for role, content in [(Role.SYSTEM, "Be brief."), *turns])
    return CompletionRequest(messages, Grounding(question, (PASSAGE,)), max_tokens)


async def asked(provider: LLMProvider, url: str, model: str, **changes: object) -> Completion:
    """What `model` of the server answers."""
    async with opened(provider, url, model, **changes) as client:
        return await client.complete(asking())


async def test_a_request_gives_a_completion_with_its_usage(llm: LLMClient) -> None:
    """Every client says what it answered, who it is and what it read and wrote."""
    completion = await llm.complete(asking())

    assert "14 days of filing." in completion.text
    assert (completion.provider, completion.model) == (llm.provider, llm.model)
    assert completion.usage.input_tokens > len(PASSAGE.split())
    assert completion.usage.output_tokens > 0
    assert completion.finish_reason is FinishReason.STOP


async def test_an_answer_stays_within_the_token_limit(llm: LLMClient) -> None:
    """A reader of the answer must know that there is more of it."""
    completion = await llm.complete(asking(max_tokens=2))

    assert completion.usage.output_tokens <= 2
    assert completion.finish_reason is FinishReason.LENGTH


@remote
@pytest.mark.parametrize(
    ("model", "error", "code"),
    [
        ("fails-400", Permanent, "llm_request_refused"),
        ("fails-401", Permanent, "llm_key_refused"),
        ("fails-404", Permanent, "llm_request_refused"),
        ("fails-429", Transient, "llm_rate_limited"),
        ("fails-500", Transient, "llm_failed"),
        ("fails-529", Transient, "llm_failed"),
        ("says-html", Transient, "llm_answer_invalid"),
        ("says-nothing", Transient, "llm_answer_invalid"),
    ],
)
async def test_a_failed_call_is_translated_and_not_repeated(
    models: ModelServer, provider: LLMProvider, model: str, error: type[WorkbenchError], code: str
) -> None:
    """One place retries, and it is not the SDK."""
    with pytest.raises(error) as raised:
        await asked(provider, models.url, model)

    assert raised.value.code == code
    assert len(models.bodies) == 1


@remote
async def test_a_server_that_answers_too_late_is_down(models: ModelServer, provider: LLMProvider) -> None:
    """Each call has a deadline."""
    with pytest.raises(DependencyDown) as raised:
        await asked(provider, models.url, "hangs", timeout_s=HANGS_S / 5)

    assert raised.value.code == "llm_timeout"


@remote
async def test_a_server_that_is_not_there_is_down(provider: LLMProvider) -> None:
    """Nothing listens on the discard port."""
    with pytest.raises(DependencyDown) as raised:
        await asked(provider, NOBODY, "some-model")

    assert raised.value.code == "llm_unreachable"


@remote
async def test_a_refusal_is_told_from_an_answer(models: ModelServer, provider: LLMProvider) -> None:
    """A refusal must not be counted as an answer."""
    completion = await asked(provider, models.url, "refuses")

    assert completion.finish_reason is FinishReason.REFUSED


@pytest.mark.parametrize(
    ("provider", "model", "dollars"),
    [
        (LLMProvider.OPENAI, "gpt-4o", (600 * 2.5 + 400 * 1.25 + 5 * 10) / 1e6),
        (LLMProvider.ANTHROPIC, "claude-haiku-4-5", (600 * 1 + 400 * 0.1 + 5 * 5) / 1e6),
        (LLMProvider.OPENAI, "somebody's-own", None),
    ],
)
async def test_a_call_costs_what_the_price_list_says(models: ModelServer, provider: LLMProvider, model: str, dollars: float | None) -> None:
    """Dollars a million tokens; a token read from the cache is cheaper; an unknown model has no price, not the price zero."""
    completion = await asked(provider, models.url, model)

    assert (completion.usage.input_tokens, completion.usage.output_tokens) == (READ, 5)
    assert completion.usage.cost_usd == (dollars and pytest.approx(dollars))


async def test_a_reasoning_model_gets_no_temperature(models: ModelServer) -> None:
    """It would refuse the call."""
    await asked(LLMProvider.OPENAI, models.url, "gpt-5-mini")
    await asked(LLMProvider.OPENAI, models.url, "gpt-4o")

    thinking, plain = models.bodies
    assert (thinking["max_completion_tokens"], plain["max_tokens"]) == (100, 100)
    assert ("temperature" in thinking, plain["temperature"]) == (False, 0.0)


async def test_the_system_message_goes_where_anthropic_wants_it(models: ModelServer) -> None:
    """It is no turn of the conversation there."""
    await asked(LLMProvider.ANTHROPIC, models.url, "claude-haiku-4-5")

    [body] = models.bodies
    assert body["system"] == "Be brief."
    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "user"]


@pytest.mark.parametrize(
    ("missing", "chosen"),
    [
        ((), LLMProvider.ANTHROPIC),
        (("anthropic_api_key",), LLMProvider.OPENAI),
        (("anthropic_api_key", "openai_api_key"), LLMProvider.EXTRACTIVE),
    ],
)
async def test_the_first_provider_with_a_key_is_the_default(missing: tuple[str, ...], chosen: LLMProvider) -> None:
    """Without any key there is an answerer all the same."""
    async with opened(None, NOBODY, **dict.fromkeys(missing)) as client:
        assert client.provider == chosen


@remote
async def test_a_chosen_provider_without_a_key_stops_the_start(provider: LLMProvider) -> None:
    """Better than at the first question."""
    with pytest.raises(Permanent, match=f"LLM__{provider.upper()}_API_KEY"):
        await asked(provider, NOBODY, "some-model", anthropic_api_key=None, openai_api_key=None)
