"""A stream is watched while it runs, and its call ends with its reader."""

import asyncio
from contextlib import aclosing, suppress

import pytest

from kit.errors import DependencyDown
from kit.fakes.llm import ScriptedLLM
from kit.ports.llm import LLMClient
from kit.settings import LLMProvider
from tests.ports.llm_clients import REMOTE, Address, asking, opened, streamed
from tests.ports.model_server import HANGS_S, ModelServer

remote = pytest.mark.parametrize("provider", REMOTE)


async def eventually_left(models: ModelServer, within_s: float = 60) -> list[str]:
    """The models whose clients left, once there is one."""
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            while not models.left:
                await asyncio.sleep(0.005)
    return models.left


def skip(seconds: float) -> None:
    """Moves the time of the running loop, and with it every deadline."""
    loop = asyncio.get_running_loop()
    before = loop.time
    loop.time = lambda: before() + seconds  # type: ignore[method-assign]


async def first_piece(llm: LLMClient) -> str:
    """The beginning of an answer, whose rest nobody waits for."""
    async with aclosing(llm.stream(asking())) as stream:
        return str(await anext(stream))


@remote
@pytest.mark.parametrize("model", ["hangs", "stalls"])
async def test_a_silent_stream_is_given_up(models: ModelServer, provider: LLMProvider, model: str) -> None:
    """Before its first word and after it; signs of life are no words. The server sees it at once."""
    async with opened(provider, Address(models.url, model=model), first_token_timeout_s=HANGS_S / 5) as llm:
        with pytest.raises(DependencyDown, match=r"said nothing for 0\.5 s") as raised:
            await streamed(llm, asking())

    assert raised.value.code == "llm_timeout"
    assert await eventually_left(models) == [model]


@remote
async def test_a_stream_without_an_end_is_given_up(models: ModelServer, provider: LLMProvider) -> None:
    """The whole answer has a deadline too."""
    async with opened(provider, Address(models.url, model="babbles"), timeout_s=0.5) as llm:
        with pytest.raises(DependencyDown, match=r"not done within 0\.5 s"):
            await streamed(llm, asking())

    assert await eventually_left(models) == ["babbles"]


@remote
async def test_a_closed_stream_ends_the_call(models: ModelServer, provider: LLMProvider) -> None:
    """Tokens that nobody reads are not paid for; other calls go on over the same connections."""
    async with opened(provider, Address(models.url, model="babbles")) as llm:
        piece = await first_piece(llm)

        assert piece == "Within"
        assert await eventually_left(models) == ["babbles"]


@remote
@pytest.mark.parametrize(("model", "how"), [("babbles", "stream"), ("hangs", "complete")])
async def test_a_cancelled_reader_ends_the_call(models: ModelServer, provider: LLMProvider, model: str, how: str) -> None:
    """In a stream, and while the answer is waited for."""
    async with opened(provider, Address(models.url, model=model)) as llm:
        task = asyncio.create_task(streamed(llm, asking()) if how == "stream" else llm.complete(asking()))
        while not models.bodies:
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.05)
        task.cancel()

        assert await eventually_left(models) == [model]
        with pytest.raises(asyncio.CancelledError):
            await task


@remote
async def test_a_slow_reader_is_not_struck_by_a_deadline(models: ModelServer, provider: LLMProvider) -> None:
    """The silence that counts is the provider's; what the reader does between two pieces is its own."""
    async with opened(provider, Address(models.url), timeout_s=1000) as llm, aclosing(llm.stream(asking())) as stream:
        await anext(stream)
        skip(100)
        await asyncio.sleep(0.01)
        rest = [piece async for piece in stream]

    assert len(rest) == 5


async def test_the_twin_counts_who_left() -> None:
    """So that a test of its user sees the same as on a server."""
    llm = ScriptedLLM(["a b c"], takes_s=0.01)

    assert await first_piece(llm) == "a "
    assert llm.abandoned == 1
