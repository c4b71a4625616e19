"""The promise of `LLMClient`, kept by the scripted twin, the extractive answerer, the SDKs over HTTP, and a real model on this machine."""

import json
from collections.abc import AsyncIterator, Iterator

import pytest

from kit.errors import Permanent
from kit.fakes.llm import ScriptedLLM
from kit.ports.llm import CompletionRequest, FinishReason, LLMClient
from kit.settings import LLMProvider
from tests.ports.llm_clients import PASSAGE, SCHEMA, Address, asking, local_model, opened, streamed
from tests.ports.model_server import ModelServer
from tests.ports.wire.script import JSON_REPLY, REPLY
from tests.requirements import require_local_llm

LOCAL = "local"
WRITERS = ("scripted", LLMProvider.OPENAI, LLMProvider.ANTHROPIC, LLMProvider.OPENAI_COMPATIBLE, LOCAL)


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Address]:
    """The real model."""
    require_local_llm()
    with local_model(tmp_path_factory.mktemp("llama")) as address:
        yield address


@pytest.fixture(params=[*WRITERS, LLMProvider.EXTRACTIVE])
async def llm(request: pytest.FixtureRequest, models: ModelServer) -> AsyncIterator[LLMClient]:
    """Each client, ready to answer."""
    if request.param == "scripted":
        yield ScriptedLLM([REPLY])
    elif request.param == LOCAL:
        async with opened(LLMProvider.OPENAI_COMPATIBLE, request.getfixturevalue("local")) as client:
            yield client
    else:
        async with opened(request.param, Address(models.url)) as client:
            yield client


@pytest.fixture(params=WRITERS)
async def writer(request: pytest.FixtureRequest, models: ModelServer) -> AsyncIterator[LLMClient]:
    """Each client that writes JSON."""
    if request.param == "scripted":
        yield ScriptedLLM([JSON_REPLY])
    else:
        at = request.getfixturevalue("local") if request.param == LOCAL else Address(models.url)
        async with opened(LLMProvider.OPENAI_COMPATIBLE if request.param == LOCAL else request.param, at) as client:
            yield client


async def test_a_request_gives_a_completion_with_its_usage(llm: LLMClient) -> None:
    """Every client says what it answered, who it is, what it read and wrote, and under which number it did."""
    completion = await llm.complete(asking())

    assert completion.text
    assert (completion.provider, completion.model) == (llm.provider, llm.model)
    assert completion.usage.input_tokens > len(PASSAGE.split())
    assert completion.usage.output_tokens > 0
    assert completion.finish_reason is FinishReason.STOP
    assert completion.provider_request_id or llm.provider == LLMProvider.EXTRACTIVE


async def test_a_stream_gives_the_same_in_pieces(llm: LLMClient) -> None:
    """The pieces make the text; what ends the stream has the form of a whole completion, its usage too."""
    request = asking(seed=1)

    pieces, last = await streamed(llm, request)
    whole = await llm.complete(request)

    assert "".join(pieces) == last.text == whole.text
    assert len(pieces) > 1
    assert (last.provider, last.model, last.finish_reason) == (whole.provider, whole.model, whole.finish_reason)
    assert last.usage == whole.usage
    assert isinstance(last.provider_request_id, type(whole.provider_request_id))


async def test_an_answer_stays_within_the_token_limit(llm: LLMClient) -> None:
    """A reader of the answer must know that there is more of it."""
    request = asking(max_tokens=2)

    for completion in (await llm.complete(request), (await streamed(llm, request))[1]):
        assert completion.usage.output_tokens <= 2
        assert completion.finish_reason is FinishReason.LENGTH


async def test_an_answer_ends_before_a_stop_sequence(llm: LLMClient) -> None:
    """Which is no part of it."""
    request = asking(stop=("a", "zzz"))

    for completion in (await llm.complete(request), (await streamed(llm, request))[1]):
        assert "a" not in completion.text
        assert completion.finish_reason is FinishReason.STOP


async def test_a_schema_gives_json_that_fits_it(writer: LLMClient) -> None:
    """At once and in pieces; whoever asks parses it."""
    request = asking(response_schema=SCHEMA)

    for completion in (await writer.complete(request), (await streamed(writer, request))[1]):
        assert isinstance(json.loads(completion.text)["days"], int)
        assert completion.finish_reason is FinishReason.STOP


@pytest.mark.parametrize("change", [{"response_schema": SCHEMA}, {"grounding": None}])
async def test_the_extractive_answerer_says_what_it_cannot(models: ModelServer, change: dict[str, object]) -> None:
    """It quotes passages and writes nothing."""
    request = asking()
    request = CompletionRequest(**{"messages": request.messages, "grounding": request.grounding, **change})  # type: ignore[arg-type]
    async with opened(LLMProvider.EXTRACTIVE, Address(models.url)) as llm:
        with pytest.raises(Permanent, match="set up a language model"):
            await llm.complete(request)
        with pytest.raises(Permanent, match="set up a language model"):
            await streamed(llm, request)
