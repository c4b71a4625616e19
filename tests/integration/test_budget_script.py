"""The Redis script does what its model in Python does, step by step, whatever the steps are."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from uuid import UUID, uuid4

import pytest
import redis.asyncio as redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.errors import DependencyDown
from kit.fakes.budgets import MemoryCounters, Tally
from kit.gateway.budget import LARGEST, Budget, BudgetScope, Charge, Counter, Window
from kit.gateway.counters import Base, RedisCounters, Reservation
from tests.integration.budgets import NOW
from workbench.stack.servers import Servers

TENANT = "acme"
# What the script answers is asked here, not how soon: a machine that pauses is not a script that differs.
_PATIENT_S = 30
BUDGETS = [Budget(scope, TENANT, window) for scope in (BudgetScope.TENANT, BudgetScope.KEY) for window in (Window.DAY, Window.TOTAL)]
COUNTERS = [budget.counter(NOW) for budget in BUDGETS]
CALLS = [UUID(int=number) for number in range(1, 5)]

amounts = st.integers(0, 60) | st.just(LARGEST // 8)
charges = st.builds(lambda micros, tokens: Charge(tokens, 0, micros), amounts, amounts)
caps = st.none() | st.integers(0, 100) | st.just(LARGEST)
epochs = st.integers(0, 4)
chosen = st.lists(st.sampled_from(COUNTERS), unique=True, min_size=1)


@dataclass(frozen=True)
class Pair:
    """The script and its model, side by side."""

    real: RedisCounters
    model: MemoryCounters
    client: "redis.Redis"
    prefix: str

    async def stored(self) -> dict[str, Tally]:
        """What Redis holds, in the model's words."""
        found = {counter.name: await self.client.hgetall(f"{self.prefix}:{{{TENANT}}}:{counter.name}") for counter in COUNTERS}
        return {name: _tally({k.decode(): v.decode() for k, v in fields.items()}) for name, fields in found.items() if fields}


Step = Callable[[Pair], Awaitable[None]]


def _tally(fields: dict[str, str]) -> Tally:
    held = {name.removeprefix("r:"): value.split(":") for name, value in fields.items() if name.startswith("r:")}
    unended = {call: (int(micros), int(tokens)) for call, (micros, tokens) in held.items()}
    return Tally(int(fields["epoch"]), int(fields["micros"]), int(fields["tokens"]), unended)


@st.composite
def reservations(draw: st.DrawFn) -> Step:
    """Reserves a call in some counters; some come with a base, in which other calls may be reserved."""
    counters = draw(chosen)
    limits = {c: Budget(c.scope, c.subject, c.window, draw(caps), draw(caps)) for c in counters}
    wanted = Reservation(draw(st.sampled_from(CALLS)), TENANT, draw(charges), limits)
    bases = {c.name: draw(_bases()) for c in counters if draw(st.booleans())}

    async def step(pair: Pair) -> None:
        assert await pair.real.reserve(wanted, bases) == await pair.model.reserve(wanted, bases)

    return step


@st.composite
def _bases(draw: st.DrawFn) -> Base:
    unended = draw(st.dictionaries(st.sampled_from([str(call) for call in CALLS]), st.tuples(amounts, amounts), max_size=2))
    micros, tokens = (sum(held[part] for held in unended.values()) + draw(amounts) for part in (0, 1))
    return Base(draw(st.integers(1, 4)), micros, tokens, unended)


@st.composite
def settlements(draw: st.DrawFn) -> Step:
    """Settles a call; counters may have another epoch by then."""
    call, charge = draw(st.sampled_from(CALLS)), draw(charges)
    held = {counter.name: draw(epochs) for counter in draw(chosen)}

    async def step(pair: Pair) -> None:
        assert await pair.real.settle(TENANT, call, charge, held) == await pair.model.settle(TENANT, call, charge, held)

    return step


@st.composite
def losses(draw: st.DrawFn) -> Step:
    """A counter is evicted."""
    lost: Counter = draw(st.sampled_from(COUNTERS))

    async def step(pair: Pair) -> None:
        await pair.client.delete(f"{pair.prefix}:{{{TENANT}}}:{lost.name}")
        pair.model.tallies.pop(lost.name, None)

    return step


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    """A loop that outlives the examples."""
    with asyncio.Runner() as running:
        yield running


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(reservations() | settlements() | losses(), max_size=25))
def test_the_script_does_what_its_model_does(servers: Servers, runner: asyncio.Runner, steps: list[Step]) -> None:
    """Every answer, and everything that is stored after every step."""

    async def follow() -> None:
        async with redis.from_url(servers.redis) as client:
            prefix = uuid4().hex
            pair = Pair(RedisCounters(client, prefix, timeout_s=_PATIENT_S), MemoryCounters(), client, prefix)
            for step in steps:
                await step(pair)
                assert await pair.stored() == pair.model.tallies

    runner.run(follow())


async def test_counters_that_do_not_answer_are_a_dependency_that_is_down() -> None:
    """Nobody listens at this port."""
    counters = RedisCounters(redis.from_url("redis://127.0.0.1:1"), "x")

    with pytest.raises(DependencyDown) as raised:
        await counters.settle(TENANT, CALLS[0], Charge(0, 0, 0), {"name": 1})

    assert raised.value.code == "budget_unavailable"
