"""Inbox and outbox on a real database: an effect, its inbox row and its events are committed together or not at all."""

import asyncio
from uuid import uuid4

import pytest

from contracts.documents import DocumentDeletedV1
from contracts.evals import EvalRequestedV1
from kit.effects import Effects
from kit.errors import Permanent
from kit.inbox import AlreadyHandled
from tests.events import received
from tests.integration.conftest import OpenEffects, told

_WAITS = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.fixture
async def effects(open_effects: OpenEffects) -> Effects:
    """The effects of one service."""
    return await open_effects("evaluator")


def a_request(dataset: str = "handbook") -> EvalRequestedV1:
    """An event that starts something."""
    return EvalRequestedV1(eval_id=uuid4(), dataset=dataset, candidate="b")


def a_fact() -> DocumentDeletedV1:
    """An event that an effect tells."""
    return DocumentDeletedV1(document_id=f"doc-{uuid4().hex}", document_version=1)


async def test_an_effect_and_its_events_are_committed_together(effects: Effects) -> None:
    """Tenant and correlation of the cause go on."""
    cause, fact = received(a_request(), tenant_id="acme"), a_fact()

    async with effects.once(cause) as effect:
        await effect.publish(fact)

    [event] = await told(effects, fact.key)
    assert event.data == fact
    assert event.envelope.tenant_id == "acme"
    assert event.envelope.causation_id == event.envelope.correlation_id == cause.envelope.id


async def test_a_failed_effect_leaves_neither_event_nor_inbox_row(effects: Effects) -> None:
    """So that the next delivery can have it."""
    cause, fact = received(a_request()), a_fact()

    with pytest.raises(RuntimeError, match="crash"):
        async with effects.once(cause) as effect:
            await effect.publish(fact)
            raise RuntimeError("crash")

    assert await told(effects, fact.key) == []
    await effects.refuse_if_handled(cause)


async def test_a_second_effect_of_one_event_is_refused(effects: Effects) -> None:
    """Before its work, and again in its transaction."""
    cause = received(a_request())
    async with effects.once(cause):
        pass

    with pytest.raises(AlreadyHandled):
        await effects.refuse_if_handled(cause)
    with pytest.raises(AlreadyHandled):
        async with effects.once(cause):
            pass


async def test_of_two_effects_at_the_same_time_one_is_refused(effects: Effects) -> None:
    """The second waits for the first to commit, and then knows it: two members may hold one record after a rebalance."""
    cause, first_in, finish = received(a_request()), asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with effects.once(cause):
            first_in.set()
            await finish.wait()

    async def second() -> None:
        async with effects.once(cause):
            pass

    one = asyncio.create_task(first())
    await first_in.wait()
    two = asyncio.create_task(second())
    async with asyncio.timeout(60):
        while not await effects.pool.fetchval(_WAITS):
            await asyncio.sleep(0.01)
    finish.set()

    await one
    with pytest.raises(AlreadyHandled):
        await two


async def test_an_event_that_no_broker_takes_is_refused_where_it_is_told(effects: Effects) -> None:
    """In the outbox it would keep all behind it."""
    with pytest.raises(Permanent) as refused:
        async with effects.caused_by(None) as effect:
            await effect.publish(EvalRequestedV1.model_construct(eval_id=uuid4(), dataset="d" * 1_000_000, candidate="c"))

    assert refused.value.code == "event_too_large"


async def test_an_event_id_with_other_data_is_a_contract_violation(effects: Effects) -> None:
    """Two facts must not share an id."""
    async with effects.once(received(a_request(), event_id="same")):
        pass

    with pytest.raises(Permanent) as refused:
        async with effects.once(received(a_request(), event_id="same")):
            pass

    assert refused.value.code == "event_id_reused"


async def test_handling_a_cause_again_tells_the_same_event_ids(effects: Effects) -> None:
    """So that readers recognise what they have seen; parts of one effect differ."""
    cause, fact = received(a_request()), a_fact()

    for _ in range(2):
        async with effects.caused_by(cause.envelope) as effect:
            await effect.publish(fact, part=0)
            await effect.publish(fact, part=1)

    ids = [event.envelope.id for event in await told(effects, fact.key)]
    assert ids[:2] == ids[2:]
    assert ids[0] != ids[1]


async def test_effects_that_share_a_transaction_are_committed_together(effects: Effects) -> None:
    """With their inbox rows and their events, each with its own cause; what had its effect before is left out."""
    known, *causes = [received(a_request(), tenant_id=tenant) for tenant in ("known", "acme", "other")]
    facts = [a_fact(), a_fact()]
    async with effects.once(known):
        pass

    async with effects.together([known, *causes]) as fresh:
        for cause, fact in zip(fresh, facts, strict=True):
            async with effects.once(cause) as effect:
                await effect.publish(fact)

    assert fresh == causes
    events = [event for fact in facts for event in await told(effects, fact.key)]
    assert [(event.envelope.tenant_id, event.envelope.causation_id) for event in events] == [
        (cause.envelope.tenant_id, cause.envelope.id) for cause in causes
    ]
    for cause in causes:
        with pytest.raises(AlreadyHandled):
            await effects.refuse_if_handled(cause)


async def test_one_failure_undoes_all_effects_of_a_shared_transaction(effects: Effects) -> None:
    """So that each can be tried on its own."""
    first, second, fact = received(a_request()), received(a_request()), a_fact()

    with pytest.raises(RuntimeError, match="crash"):
        async with effects.together([first, second]):
            async with effects.once(first) as effect:
                await effect.publish(fact)
            async with effects.once(second):
                raise RuntimeError("crash")

    assert await told(effects, fact.key) == []
    for cause in (first, second):
        await effects.refuse_if_handled(cause)


async def test_a_reused_id_is_found_among_several(effects: Effects) -> None:
    """It is a contract violation as it is alone."""
    known = received(a_request())
    async with effects.once(known):
        pass

    with pytest.raises(Permanent) as raised:
        async with effects.together([received(a_request()), received(a_request("other"), known.envelope.id)]):
            pass

    assert raised.value.code == "event_id_reused"


async def test_an_event_that_is_not_of_the_shared_transaction_has_its_own(effects: Effects) -> None:
    """A handler may cause another effect, and that is not undone."""
    inside, outside = received(a_request()), received(a_request())

    with pytest.raises(RuntimeError, match="crash"):
        async with effects.together([inside]):
            async with effects.once(outside):
                pass
            raise RuntimeError("crash")

    await effects.refuse_if_handled(inside)
    with pytest.raises(AlreadyHandled):
        await effects.refuse_if_handled(outside)
