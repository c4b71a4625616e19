"""A model that failed again and again is left alone, until one call shows that it is back."""

import asyncio
from contextlib import aclosing

import pytest
from prometheus_client import REGISTRY

from kit.clock import FakeClock
from kit.errors import DependencyDown, Permanent, Transient, WorkbenchError
from kit.fakes.llm import Broken, Line, ScriptedLLM
from kit.gateway.breaker import Breaker, State
from kit.gateway.settings import BreakerSettings
from tests.unit.gateway.asking import ask, failed, refused, said, timed_out

SETTINGS = BreakerSettings(failures=3, recovery_s=30)
FAILURES = [failed(), timed_out(), failed()]


def breaker(inner: ScriptedLLM, clock: FakeClock) -> Breaker:
    """Opens after three failures, for 30 s."""
    return Breaker(inner, SETTINGS, clock)


async def fail(client: Breaker, times: int = 3) -> None:
    """Asks so often, and is disappointed each time."""
    for _ in range(times):
        with pytest.raises((Transient, DependencyDown)):
            await client.complete(ask())


async def opened(*then: Line, takes_s: float = 0.0) -> tuple[Breaker, ScriptedLLM, FakeClock]:
    """A breaker that has just opened, and what its model says `then`."""
    clock, inner = FakeClock(), ScriptedLLM([*FAILURES, *then], takes_s=takes_s)
    client = breaker(inner, clock)
    await fail(client)
    return client, inner, clock


def shown() -> float | None:
    """The state in /metrics."""
    return REGISTRY.get_sample_value("workbench_llm_breaker_state", {"provider": "scripted", "model": "script"})


async def test_failures_in_a_row_open_the_breaker() -> None:
    """The model is not asked any more, and the error says when to come again."""
    client, inner, clock = await opened("Yes.")
    await clock.sleep(10)

    with pytest.raises(DependencyDown, match="scripted/script failed 3 times") as told:
        await client.complete(ask())

    assert (told.value.code, told.value.after_s, len(inner.requests), shown()) == ("llm_breaker_open", 20.0, 3, State.OPEN)


async def test_an_answer_between_failures_keeps_it_closed() -> None:
    """Only failures in a row count."""
    client = breaker(ScriptedLLM([failed(), failed(), "Yes.", failed(), failed(), "Yes."]), FakeClock())

    await fail(client, 2)
    await client.complete(ask())
    await fail(client, 2)

    assert (await client.complete(ask())).text == "Yes."
    assert shown() == State.CLOSED


async def test_one_good_answer_after_the_recovery_time_closes_it() -> None:
    """Half-open in between."""
    client, _, clock = await opened("Yes.")
    await clock.sleep(30)

    await client.complete(ask())

    assert (client.state, shown()) == (State.CLOSED, State.CLOSED)


async def test_one_failure_after_the_recovery_time_opens_it_again() -> None:
    """For as long again."""
    client, inner, clock = await opened(failed(), "Yes.")
    await clock.sleep(30)
    await fail(client, 1)
    await clock.sleep(29)

    with pytest.raises(DependencyDown, match="left alone"):
        await client.complete(ask())

    assert (client.state, len(inner.requests)) == (State.OPEN, 4)


async def test_half_open_lets_one_call_through_at_a_time() -> None:
    """A model that is only just back is not run over."""
    client, inner, clock = await opened("Yes.", takes_s=0.01)
    await clock.sleep(30)

    results = await asyncio.gather(*(client.complete(ask()) for _ in range(5)), return_exceptions=True)

    assert sum(isinstance(result, DependencyDown) for result in results) == 4
    assert (len(inner.requests), client.state) == (4, State.CLOSED)


@pytest.mark.parametrize(
    "error", [refused(), Permanent("budget_exceeded", "no money"), Transient("gateway_busy", "full")], ids=lambda error: str(error.code)
)
async def test_what_is_not_the_models_failure_does_not_count(error: WorkbenchError) -> None:
    """A bad request, an empty budget and a full gate say nothing against the model."""
    client = breaker(ScriptedLLM([failed(), failed(), error, error, error, "Yes."]), FakeClock())
    await fail(client, 2)

    for _ in range(3):
        with pytest.raises(type(error)):
            await client.complete(ask())

    assert client.state is State.CLOSED


async def test_an_empty_budget_does_not_close_a_half_open_breaker() -> None:
    """The model was not asked, so the next call tries."""
    client, _, clock = await opened(Permanent("budget_exceeded", "no money"), "Yes.")
    await clock.sleep(30)
    with pytest.raises(Permanent):
        await client.complete(ask())
    half_open = client.state

    await client.complete(ask())

    assert (half_open, client.state) == (State.HALF_OPEN, State.CLOSED)


async def test_a_cancelled_call_says_nothing_about_the_model() -> None:
    """And leaves the way free for the next one, half-open too."""
    client, inner, clock = await opened("Yes.", takes_s=0.01)
    await clock.sleep(30)
    call = asyncio.create_task(client.complete(ask()))
    await asyncio.sleep(0)
    call.cancel()
    await asyncio.wait([call])

    assert (client.state, inner.abandoned) == (State.HALF_OPEN, 1)
    assert (await client.complete(ask())).text == "Yes."


async def test_a_closed_stream_is_no_failure() -> None:
    """Its reader went away, not the model."""
    inner = ScriptedLLM(["All is well."])
    client = breaker(inner, FakeClock())

    for _ in range(5):
        async with aclosing(client.stream(ask())) as pieces:
            await anext(pieces)

    assert (client.state, inner.abandoned) == (State.CLOSED, 5)


async def test_a_stream_that_breaks_off_counts() -> None:
    """However much of it came."""
    client = breaker(ScriptedLLM([Broken("All is", failed())]), FakeClock())

    for _ in range(3):
        with pytest.raises(Transient):
            await said(client, ask())

    assert client.state is State.OPEN


async def test_an_answer_from_before_does_not_close_an_open_breaker() -> None:
    """A slow call that began when all was well."""
    inner = ScriptedLLM(["Late.", *FAILURES])
    client = breaker(inner, FakeClock())
    slow = client.stream(ask())
    await anext(slow)
    await fail(client)

    rest = [piece async for piece in slow]

    assert (len(rest), client.state) == (1, State.OPEN)
