"""The relay on a real database: order is kept, and a record leaves the outbox only when the broker has it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from contracts.codec import Record
from contracts.documents import DocumentDeletedV1
from kit.clock import SystemClock
from kit.effects import Effects
from kit.errors import DependencyDown
from kit.relay import Relay
from tests.integration.conftest import OpenEffects


@dataclass
class Broker:
    """A broker that takes the first `room` records it is given."""

    room: int = 1_000
    taken: list[bytes] = field(default_factory=list)

    async def publish(self, records: Sequence[Record]) -> int:
        """Acknowledges as many as there is room for."""
        accepted = list(records)[: self.room]
        self.room -= len(accepted)
        self.taken += [record.key for record in accepted]
        return len(accepted)


async def told_documents(effects: Effects, *names: str) -> None:
    """Each name is deleted, in one transaction each."""
    for name in names:
        async with effects.caused_by(None) as effect:
            await effect.publish(DocumentDeletedV1(document_id=name, document_version=1))


@pytest.fixture
async def effects(open_effects: OpenEffects) -> Effects:
    """Effects with an empty outbox."""
    effects = await open_effects("rag")
    await effects.pool.execute("DELETE FROM outbox")
    return effects


async def waiting(effects: Effects) -> int:
    """How many records the outbox has."""
    return int(await effects.pool.fetchval("SELECT count(*) FROM outbox"))


async def test_records_are_published_in_the_order_they_were_told(effects: Effects) -> None:
    """And removed once acknowledged."""
    await told_documents(effects, "a", "b", "c")
    broker = Broker()

    async with effects.pool.acquire() as connection:
        published = await Relay("rag", effects.pool, broker, SystemClock()).publish_batch(connection)

    assert (published, broker.taken, await waiting(effects)) == (3, [b"a", b"b", b"c"], 0)


async def test_what_the_broker_did_not_take_stays_in_the_outbox(effects: Effects) -> None:
    """The acknowledged beginning is gone, the rest waits in its order."""
    await told_documents(effects, "a", "b", "c")
    broker = Broker(room=1)
    relay = Relay("rag", effects.pool, broker, SystemClock())

    async with effects.pool.acquire() as connection:
        with pytest.raises(DependencyDown):
            await relay.publish_batch(connection)
        broker.room = 10
        await relay.publish_batch(connection)

    assert (broker.taken, await waiting(effects)) == ([b"a", b"b", b"c"], 0)


async def test_two_relays_of_a_service_publish_each_record_once(effects: Effects) -> None:
    """The advisory lock lets one of them work."""
    broker = Broker()
    relays = [Relay("rag", effects.pool, broker, SystemClock()) for _ in range(2)]
    tasks = [asyncio.create_task(relay.run()) for relay in relays]
    names = [f"doc-{number}" for number in range(50)]

    await told_documents(effects, *names)
    async with asyncio.timeout(60):
        while await waiting(effects):
            await asyncio.sleep(0.01)

    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert broker.taken == [name.encode() for name in names]
