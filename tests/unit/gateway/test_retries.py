"""One model is asked again after a passing failure, with patience that ends, and never after its first piece."""

import asyncio
from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.clock import FakeClock
from kit.errors import DependencyDown, Permanent, Transient, WorkbenchError
from kit.fakes.llm import Broken, Line, ScriptedLLM
from kit.gateway.retries import Retries
from kit.gateway.settings import RetrySettings
from kit.ports.llm import Completion
from tests.unit.gateway.asking import ask, failed, refused, said, timed_out

SETTINGS = RetrySettings(attempts=4, backoff_s=1, longest_pause_s=3, deadline_s=60)


def retries(inner: ScriptedLLM, clock: FakeClock, chance: float = 0.5, settings: RetrySettings = SETTINGS) -> Retries:
    """Whose every draw of chance is the same."""
    return Retries(inner, settings, clock, lambda: chance)


async def test_a_passing_failure_is_tried_again() -> None:
    """The answer of a later try is the answer."""
    inner = ScriptedLLM([failed(), timed_out(), "All is well."])

    completion = await retries(inner, FakeClock()).complete(ask())

    assert (completion.text, len(inner.requests)) == ("All is well.", 3)


async def test_pauses_are_a_random_part_of_what_doubles_up_to_the_longest() -> None:
    """Full jitter: 1, 2, and 3 where 4 would be more than the longest pause, each times 0.5."""
    clock = FakeClock()

    with pytest.raises(Transient):
        await retries(ScriptedLLM([failed()]), clock).complete(ask())

    assert clock.slept == [0.5, 1.0, 1.5]


async def test_the_servers_pause_is_kept() -> None:
    """Retry-After and some jitter on top, so that not all come back at once."""
    clock = FakeClock()
    inner = ScriptedLLM([Transient("llm_rate_limited", "slow down", after_s=2.5), "Yes."])

    await retries(inner, clock).complete(ask())

    assert clock.slept == [3.0]


async def test_a_server_that_asks_for_too_long_a_pause_is_not_asked_again() -> None:
    """Asking it earlier would break its limit once more; somebody else may answer at once."""
    clock, inner = FakeClock(), ScriptedLLM([Transient("llm_rate_limited", "slow down", after_s=3.5), "Yes."])

    with pytest.raises(Transient, match="slow down"):
        await retries(inner, clock).complete(ask())

    assert (clock.slept, len(inner.requests)) == ([], 1)


async def test_no_try_begins_after_the_deadline() -> None:
    """However many are left."""
    clock, inner = FakeClock(), ScriptedLLM([failed()])

    with pytest.raises(Transient):
        await retries(inner, clock, settings=RetrySettings(attempts=99, backoff_s=4, longest_pause_s=4, deadline_s=7)).complete(ask())

    assert clock.slept == [2.0, 2.0, 2.0]


@pytest.mark.parametrize(
    "error",
    [
        refused(),
        DependencyDown("llm_breaker_open", "left alone"),
        Transient("gateway_busy", "full"),
        DependencyDown("budget_unavailable", "Redis is away"),
    ],
    ids=lambda error: str(error.code),
)
async def test_what_another_try_would_not_change_is_raised_at_once(error: WorkbenchError) -> None:
    """A bad request, and what is not the provider's failure."""
    inner = ScriptedLLM([error, "Yes."])

    with pytest.raises(type(error)):
        await retries(inner, FakeClock()).complete(ask())

    assert len(inner.requests) == 1


async def test_a_stream_is_tried_again_before_its_first_piece() -> None:
    """Nobody has seen anything yet."""
    inner = ScriptedLLM([failed(), "All is well."])

    assert await said(retries(inner, FakeClock()), ask()) == ["All ", "is ", "well."]
    assert len(inner.requests) == 2


async def test_a_stream_is_never_tried_again_after_its_first_piece() -> None:
    """The reader would get the beginning twice."""
    inner = ScriptedLLM([Broken("All is", failed()), "All is well."])

    with pytest.raises(Transient):
        await said(retries(inner, FakeClock()), ask())

    assert len(inner.requests) == 1


LINES = st.lists(
    st.sampled_from(["Yes, it is.", failed(), timed_out(), refused(), Broken("Half an", failed()), Broken("", timed_out())]), min_size=1
)


@given(LINES, st.floats(0, 1, exclude_max=True))
def test_whatever_goes_wrong_the_tries_are_bounded_and_no_piece_comes_twice(lines: list[Line], chance: float) -> None:
    """Any sequence of errors, streamed: at most four calls, nothing after a first piece, and what came is the beginning of one line."""
    inner, clock, got = ScriptedLLM(lines), FakeClock(), list[str]()

    async def read() -> None:
        async with aclosing(retries(inner, clock, chance).stream(ask())) as pieces:
            async for piece in pieces:
                got.append(piece.text if isinstance(piece, Completion) else piece)

    try:
        asyncio.run(read())
    except (Transient, DependencyDown, Permanent):
        assert "".join(got) in ("", "Half an")
    else:
        assert got == ["Yes, ", "it ", "is.", "Yes, it is."]

    assert len(inner.requests) <= SETTINGS.attempts
    assert sum(clock.slept) <= SETTINGS.deadline_s
