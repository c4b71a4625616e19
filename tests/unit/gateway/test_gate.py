"""A provider gets only so many calls at once."""

import asyncio
from contextlib import aclosing

import pytest

from kit.errors import Transient
from kit.fakes.llm import ScriptedLLM
from kit.gateway.gate import Gate, Places
from kit.gateway.settings import GateSettings
from tests.unit.gateway.asking import ask


def places(at_once: int, queue_timeout_s: float = 60) -> Places:
    """So many places at a provider."""
    return Places("scripted", GateSettings(at_once=at_once, queue_timeout_s=queue_timeout_s))


async def test_no_more_calls_run_at_once_than_there_are_places() -> None:
    """The others wait, and all are answered."""
    inner = ScriptedLLM(["Yes."], takes_s=0.01)
    gate = Gate(inner, places(3))
    calls = [asyncio.create_task(gate.complete(ask())) for _ in range(7)]
    await asyncio.sleep(0.005)

    running = len(inner.requests)
    await asyncio.gather(*calls)

    assert (running, len(inner.requests)) == (3, 7)


async def test_models_of_one_provider_share_its_places() -> None:
    """The provider's limit is for all of them."""
    shared, small, big = places(1), ScriptedLLM(["Yes."], takes_s=0.01), ScriptedLLM(["No."], takes_s=0.01)
    calls = [asyncio.create_task(Gate(inner, shared).complete(ask())) for inner in (small, big)]
    await asyncio.sleep(0.005)

    running = len(small.requests) + len(big.requests)
    await asyncio.gather(*calls)

    assert running == 1


async def test_who_waits_too_long_is_told_so() -> None:
    """Without having asked the provider."""
    inner = ScriptedLLM(["Yes."])
    gate = Gate(inner, places(1, queue_timeout_s=0.01))

    async with aclosing(gate.stream(ask())) as pieces:
        await anext(pieces)
        with pytest.raises(Transient, match="1 calls to scripted") as told:
            await gate.complete(ask())

    assert (told.value.code, len(inner.requests)) == ("gateway_busy", 1)


async def test_a_stream_keeps_its_place_until_it_is_closed() -> None:
    """And gives it back at once then."""
    gate = Gate(ScriptedLLM(["All is well."]), places(1))
    async with aclosing(gate.stream(ask())) as pieces:
        await anext(pieces)
        waiting = asyncio.create_task(gate.complete(ask()))
        await asyncio.sleep(0.005)
        waited = not waiting.done()

    assert (waited, (await waiting).text) == (True, "All is well.")


async def test_a_cancelled_call_gives_its_place_back() -> None:
    """Whether it was running or waiting."""
    gate = Gate(ScriptedLLM(["Yes."], takes_s=0.01), places(1))
    calls = [asyncio.create_task(gate.complete(ask())) for _ in range(3)]
    await asyncio.sleep(0)
    for call in calls:
        call.cancel()
    await asyncio.wait(calls)

    assert (await asyncio.wait_for(gate.complete(ask()), 60)).text == "Yes."
