"""Events with no other write, on a real database: callers at once share a commit, and none returns before its own."""

import asyncio
from uuid import uuid4

import asyncpg
import pytest

from contracts.evals import EvalRequestedV1
from contracts.queries import NamedVersion, QueryAnsweredV1, Usage
from kit.effects import Effects
from kit.errors import Permanent
from kit.outbox import MAX_EVENT_BYTES
from kit.tell import Teller
from tests.integration.conftest import OpenEffects, told

AT_ONCE = 64


@pytest.fixture
async def effects(open_effects: OpenEffects) -> Effects:
    """The effects of one service."""
    return await open_effects("rag")


def a_request(dataset: str = "handbook") -> EvalRequestedV1:
    """An event with a key of its own."""
    return EvalRequestedV1(eval_id=uuid4(), dataset=dataset, candidate="b")


async def waits_for_a_lock(other: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]") -> None:
    """Returns when somebody waits for what this connection holds."""
    async with asyncio.timeout(60):
        while not await other.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'outbox'::regclass"):
            await asyncio.sleep(0.01)


async def commits(effects: Effects) -> int:
    """How many transactions have written to the outbox."""
    count: int = await effects.pool.fetchval("SELECT count(DISTINCT xmin::text) FROM outbox")
    return count


async def test_what_was_told_is_committed_for_its_tenant_when_the_call_returns(effects: Effects) -> None:
    """As an effect of its own would have it."""
    event = a_request()

    await Teller(effects).tell(event, "acme")

    [committed] = await told(effects, event.key)
    assert committed.data == event
    assert committed.envelope.tenant_id == "acme"


async def test_many_callers_at_once_share_a_commit_and_each_finds_its_own_committed(effects: Effects) -> None:
    """One wait for the disk, whoever it is for."""
    teller, events = Teller(effects), [a_request() for _ in range(AT_ONCE)]
    before = await commits(effects)

    async def call(event: EvalRequestedV1) -> int:
        await teller.tell(event, "acme")
        return len(await told(effects, event.key))

    assert await asyncio.gather(*map(call, events)) == [1] * AT_ONCE
    assert await commits(effects) - before == 1


async def test_a_caller_that_leaves_has_told_its_event_and_keeps_nobody_waiting(effects: Effects) -> None:
    """Whether its commit was under way or it waited in line."""
    teller, events = Teller(effects), [a_request() for _ in range(3)]
    async with effects.pool.acquire() as other, other.transaction():
        await other.execute("LOCK TABLE outbox IN EXCLUSIVE MODE")
        calls = [asyncio.create_task(teller.tell(events[0], "acme"))]
        await waits_for_a_lock(other)
        calls += [asyncio.create_task(teller.tell(event, "acme")) for event in events[1:]]
        await asyncio.sleep(0)
        for leaving in calls[:2]:
            leaving.cancel()
    await calls[2]

    assert [len(await told(effects, event.key)) for event in events] == [1, 1, 1]


async def test_an_event_that_no_broker_takes_is_refused_to_its_own_caller(effects: Effects) -> None:
    """All others are committed."""
    teller, good = Teller(effects), a_request()
    named, free = NamedVersion(name="default", version="1"), Usage(input_tokens=0, output_tokens=0)
    large = QueryAnsweredV1(
        answer_id=uuid4(),
        question="?",
        answer="x" * MAX_EVENT_BYTES,
        abstained=False,
        variant=named,
        prompt=named,
        provider="extractive",
        model="extractive",
        usage=free,
    )

    refused, accepted = await asyncio.gather(teller.tell(large, "acme"), teller.tell(good, "acme"), return_exceptions=True)

    assert isinstance(refused, Permanent)
    assert refused.code == "event_too_large"
    assert accepted is None
    assert len(await told(effects, good.key)) == 1
