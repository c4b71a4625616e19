"""Dead letters on real brokers: replayed once the cause is gone, each has its one effect; dropped, they stay where they are."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from aiokafka import ConsumerRecord
from prometheus_client import REGISTRY

from contracts.codec import Record
from kit.broker import KafkaPublisher, open_publisher
from kit.clock import SystemClock
from kit.errors import DependencyDown
from tests.brokers import Broker
from tests.events import NOW
from tests.integration.groups import FAILING, OTHER, Bench, bench, requests
from workbench.dead_letters import DeadLetter, Pace, Selection, drop, read, replay
from workbench.records import reading
from workbench.settlements import Place, Settled, Settlement
from workbench.stack.ports import free_port
from workbench.stack.servers import Servers
from workbench.topics import lags

FAST = 1000.0


@pytest.fixture
async def at_work(broker: Broker, database: Servers) -> AsyncIterator[Bench]:
    """Two groups on one topic, the first of them broken."""
    async with bench(broker, database) as running:
        yield running


@pytest.fixture
async def sender(at_work: Bench) -> AsyncIterator[KafkaPublisher]:
    """Who writes to the broker."""
    async with open_publisher(at_work.broker.settings(), "test") as publisher:
        yield publisher


async def dead(at_work: Bench) -> list[DeadLetter]:
    """The dead letters of the broken group."""
    async with reading(at_work.broker.bootstrap_servers) as records:
        return await read(records, at_work.route)


async def raw(at_work: Bench, topic: str) -> list[ConsumerRecord[Any, Any]]:
    """All records of a topic."""
    async with reading(at_work.broker.bootstrap_servers) as records:
        return [record async for record in records.of(topic)]


async def replayed(at_work: Bench, sender: KafkaPublisher, selection: Selection) -> list[Place]:
    """Replays what is chosen and waits until it is handled; gives the places."""
    async with reading(at_work.broker.bootstrap_servers) as records:
        letters = selection.of(await read(records, at_work.route))
        done = [letter.place async for letter in replay(records, sender, letters, Pace(SystemClock(), FAST), "ada")]
    await at_work.handled()
    return done


def skipped(group: str, at_work: Bench) -> float:
    """How many records `group` left to another group."""
    labels = {"topic": at_work.topic.name, "group": group, "outcome": "skipped"}
    return REGISTRY.get_sample_value("workbench_events_total", labels) or 0.0


async def sent(at_work: Bench, sender: KafkaPublisher, records: Sequence[Record]) -> None:
    """Sends records, and waits until both groups are done with them."""
    await sender.publish(records)
    await at_work.handled()


async def test_replayed_dead_letters_are_processed_once_by_their_group_alone(at_work: Bench, sender: KafkaPublisher) -> None:
    """Also when they are replayed twice; the other group, which handled them long ago, handles nothing."""
    wanted = requests(at_work.topic, 7)
    await sent(at_work, sender, list(wanted.values()))
    assert (len(await dead(at_work)), at_work.failing.effects) == (7, Counter())
    at_work.failing.broken, untouched = False, Counter(at_work.other.effects)

    first = await replayed(at_work, sender, Selection())
    second = await replayed(at_work, sender, Selection(again=True))

    assert sorted(first) == sorted(second)
    assert at_work.failing.effects == Counter(dict.fromkeys(wanted, 1))
    assert at_work.other.effects == untouched == Counter(dict.fromkeys(wanted, 1))
    assert skipped(OTHER, at_work) == 14
    assert {letter.settlement and letter.settlement.how for letter in await dead(at_work)} == {Settled.REPLAYED}


async def test_a_replayed_record_is_the_one_first_sent(at_work: Bench, sender: KafkaPublisher) -> None:
    """Byte for byte, with one header behind: whom it is for; and no second such header when it fails and is replayed once more."""
    [(_, record)] = requests(at_work.topic, 1).items()
    await sent(at_work, sender, [record])

    await replayed(at_work, sender, Selection())
    await replayed(at_work, sender, Selection())

    copies = await raw(at_work, at_work.topic.name)
    assert {(copy.key, copy.value) for copy in copies} == {(record.key, record.value)}
    stamped = (*record.headers, ("x-replay-for", FAILING.encode()))
    assert [tuple(copy.headers) for copy in copies] == [record.headers, stamped, stamped]
    assert len([letter for letter in await dead(at_work) if not letter.settlement]) == 1


async def test_one_can_be_replayed_and_the_others_wait(at_work: Bench, sender: KafkaPublisher) -> None:
    """Chosen by its place."""
    await sent(at_work, sender, list(requests(at_work.topic, 3).values()))
    at_work.failing.broken, place = False, (await dead(at_work))[1].place

    assert await replayed(at_work, sender, Selection(frozenset({place}))) == [place]

    assert at_work.failing.effects.total() == 1
    assert [letter.place for letter in await dead(at_work) if letter.settlement] == [place]


async def test_what_was_dropped_is_remembered_and_stays(at_work: Bench, sender: KafkaPublisher) -> None:
    """With the reason; a replay of all leaves it out."""
    await sent(at_work, sender, list(requests(at_work.topic, 2).values()))
    [first, second] = await dead(at_work)
    settlement = Settlement(Settled.DROPPED, "sent by mistake", "ada", NOW)

    assert [letter.place async for letter in drop(sender, [first], settlement)] == [first.place]

    assert [letter.settlement for letter in await dead(at_work)] == [settlement, None]
    assert await replayed(at_work, sender, Selection()) == [second.place]


async def test_a_lag_is_told_by_group_and_returns_to_zero(at_work: Bench, sender: KafkaPublisher) -> None:
    """Right after a batch, which the embedded broker counts wrongly."""
    ways = (at_work.route,)
    async with reading(at_work.broker.bootstrap_servers, peek=True) as records:
        [before] = await lags(records, at_work.broker.bootstrap_servers, ways)
    at_work.failing.broken = False
    await sent(at_work, sender, list(requests(at_work.topic, 200).values()))

    async with reading(at_work.broker.bootstrap_servers, peek=True) as records:
        [after] = await lags(records, at_work.broker.bootstrap_servers, ways)

    assert (before.lag, after.lag, after.waiting) == (0, 0, 0)
    assert sum(position.extent.records for position in after.positions) == 200
    assert sum(position.committed or 0 for position in after.positions) == 200


async def test_a_broker_that_is_away_is_named() -> None:
    """And not waited for."""
    nowhere = f"127.0.0.1:{free_port()}"

    with pytest.raises(DependencyDown, match=nowhere):
        async with reading(nowhere):
            pass
