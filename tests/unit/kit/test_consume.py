"""A member of a consumer group: commits, puts back, gives up partitions, stops, and tells whether it is alive."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError
from faststream.exceptions import StopConsume
from faststream.kafka.subscriber.usecase import BatchSubscriber

from contracts.evals import EvalRequestedV1
from contracts.topics import EVAL_REQUESTED
from kit.broker import make_broker
from kit.ceiling import CeilingReached
from kit.clock import FakeClock
from kit.consume import Member, subscribe
from kit.delivery import Again
from kit.errors import DependencyDown
from kit.health import Health
from kit.route import Route
from kit.settings import KafkaSettings
from tests.events import consumed, record_of

RECORD = consumed(record_of(EvalRequestedV1(eval_id=uuid4(), dataset="d", candidate="c")))
HERE = TopicPartition("eval.requested", 0)


@dataclass
class Work:
    """A delivery that does as told with the first of its records."""

    process_first: Callable[[Any], Awaitable[Again | int]]
    route: Route = field(default_factory=lambda: Route(EVAL_REQUESTED, "evaluator"))


@dataclass
class Consumer:
    """aiokafka's consumer, as far as a member uses it; `fails` is raised when it commits or seeks."""

    highest: int = 0
    held: set[TopicPartition] = field(default_factory=set)
    fails: Exception | None = None
    committed: list[tuple[int, int]] = field(default_factory=list)
    sought: list[tuple[int, int]] = field(default_factory=list)

    async def commit(self, offsets: dict[TopicPartition, int]) -> None:
        self.committed += [(partition.partition, offset) for partition, offset in offsets.items()]
        if self.fails:
            raise self.fails

    def seek(self, partition: TopicPartition, offset: int) -> None:
        if self.fails:
            raise self.fails
        self.sought.append((partition.partition, offset))

    def assignment(self) -> set[TopicPartition]:
        return {HERE}

    def paused(self) -> set[TopicPartition]:
        return set(self.held)

    def pause(self, partition: TopicPartition) -> None:
        self.held.add(partition)

    def resume(self, partition: TopicPartition) -> None:
        self.held.discard(partition)

    def highwater(self, _: TopicPartition) -> int:
        return self.highest

    async def position(self, _: TopicPartition) -> int:
        return 0


@dataclass
class Message:
    """FastStream's message: a batch of records, by (partition, offset)."""

    consumer: Consumer = field(default_factory=Consumer)
    places: Sequence[tuple[int, int]] = ((0, 7),)

    @property
    def raw_message(self) -> Any:
        return tuple(replace(RECORD, partition=partition, offset=offset) for partition, offset in self.places)


def member(*outcomes: Again | int | Exception, clock: FakeClock | None = None) -> Member:
    """A member whose delivery comes to those, one after another."""
    told = iter(outcomes)

    async def process_first(_: Any) -> Again | int:
        outcome = next(told)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return Member("evaluator", [Work(process_first)], 1.0, clock or FakeClock())  # type: ignore[list-item]


async def test_what_is_done_is_committed() -> None:
    """Also if the commit fails: the records then come again, and the inbox knows them."""
    good, late = Message(places=[(0, 7), (0, 9)]), Message(Consumer(fails=CommitFailedError()))

    await member(2).take(good)  # type: ignore[arg-type]
    await member(1).take(late)  # type: ignore[arg-type]

    assert good.consumer.committed == [(0, 10)]
    assert late.consumer.committed == [(0, 8)]


async def test_a_record_that_must_wait_pauses_its_partition_alone() -> None:
    """What is before it is committed; it and what is behind it are read again; other partitions go on."""
    message = Message(places=[(0, 7), (0, 8), (0, 9), (1, 3)])

    await member(1, Again(0.01), 1).take(message)  # type: ignore[arg-type]

    assert message.consumer.committed == [(0, 8), (1, 4)]
    assert message.consumer.sought == [(0, 8)]
    assert message.consumer.held == {HERE}
    await asyncio.sleep(0.03)
    assert message.consumer.held == set()


async def test_a_record_whose_partition_has_gone_is_left_to_its_new_owner() -> None:
    """Seeking there fails, and nothing is paused."""
    message = Message(Consumer(fails=IllegalStateError("not assigned")))

    await member(Again(0.01)).take(message)  # type: ignore[arg-type]

    assert message.consumer.held == set()


async def test_a_partition_is_given_up_after_the_record_in_hand_is_committed() -> None:
    """Else the next owner would process it as well; the records behind it are the next owner's."""
    finish, message = asyncio.Event(), Message(places=[(0, 7), (0, 8)])

    async def process_first(_: Any) -> int:
        await finish.wait()
        return 1

    busy = Member("evaluator", [Work(process_first)], 1.0, FakeClock())  # type: ignore[list-item]
    taking = asyncio.create_task(busy.take(message))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    revoking = asyncio.create_task(busy.on_partitions_revoked([HERE]))
    await asyncio.sleep(0.01)
    waited = not revoking.done()
    finish.set()

    await asyncio.gather(taking, revoking)

    assert waited
    assert message.consumer.committed == message.consumer.sought == [(0, 8)]


async def test_after_a_rebalance_records_are_begun_again() -> None:
    """A member that kept its partitions goes on with them."""
    ours, before, after = member(1), Message(), Message()
    await ours.on_partitions_revoked([HERE])
    await ours.take(before)  # type: ignore[arg-type]
    await ours.on_partitions_assigned([HERE])

    await ours.take(after)  # type: ignore[arg-type]

    assert (before.consumer.committed, before.consumer.sought) == ([], [(0, 7)])
    assert after.consumer.committed == [(0, 8)]


async def test_slow_records_are_not_begun_when_their_batch_is_old() -> None:
    """Else a batch of them would outlast the poll interval, and be delivered for ever."""
    clock, message = FakeClock(), Message(places=[(0, 7), (0, 8)])

    async def process_first(_: Any) -> int:
        clock.time += timedelta(seconds=2)
        return 1

    await Member("evaluator", [Work(process_first)], 1.0, clock).take(message)  # type: ignore[list-item,arg-type]

    assert message.consumer.committed == message.consumer.sought == [(0, 8)]


async def test_too_many_dead_letters_stop_the_member_and_make_it_unready() -> None:
    """What was done is committed, all else stays where it is, and the process stays alive: a restart would not help."""
    stopping, message = member(1, CeilingReached()), Message(places=[(0, 3), (0, 4), (1, 7)])
    with pytest.raises(StopConsume):
        await stopping.take(message)  # type: ignore[arg-type]

    with pytest.raises(DependencyDown, match="dead letters"):
        await stopping.check()

    assert message.consumer.committed == [(0, 4)]
    assert message.consumer.sought == [(0, 4), (1, 7)]
    assert await stopping.complaint(None, 0.0) is None


@pytest.mark.parametrize(("highest", "paused", "complains"), [(5, False, True), (0, False, False), (5, True, False)])
async def test_records_that_nobody_reads_are_complained_of(highest: int, paused: bool, complains: bool) -> None:
    """After a while, unless their partition is paused on purpose."""
    clock = FakeClock()
    idle, consumer = member(clock=clock), Consumer(highest, {HERE} if paused else set())
    at_first = await idle.complaint(consumer, 60)  # type: ignore[arg-type]
    clock.time += timedelta(seconds=61)

    later = await idle.complaint(consumer, 60)  # type: ignore[arg-type]

    assert at_first is None
    assert (later is not None) is complains


async def test_a_record_in_hand_for_ever_is_complained_of() -> None:
    """The handler's own timeout did not end it."""
    clock, hangs = FakeClock(), asyncio.Event()
    busy = Member("evaluator", [Work(lambda _: hangs.wait())], 1.0, clock)  # type: ignore[list-item,arg-type,return-value]
    taking = asyncio.create_task(busy.take(Message()))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    clock.time += timedelta(seconds=61)

    complaint = await busy.complaint(Consumer(), 60)  # type: ignore[arg-type]

    taking.cancel()
    assert complaint is not None
    assert "in hand" in complaint


@pytest.mark.parametrize("ill", [0, 1])
async def test_each_member_of_a_service_counts_for_its_health(ill: int) -> None:
    """One that is stopped makes it unready, one that is stuck is complained of, whatever the other does."""
    kafka, health, clocks = KafkaSettings(bootstrap_servers="127.0.0.1:1"), Health("evaluator"), (FakeClock(), FakeClock())
    members = [member(CeilingReached(), clock=clock) for clock in clocks]
    subscribe(make_broker(kafka, "evaluator"), kafka, health, members, 1)

    well = await health.alive(), await health.ready()
    clocks[ill].time += timedelta(hours=1)
    stuck = await health.alive()
    with pytest.raises(StopConsume):
        await members[ill].take(Message(places=[(0, 1)]))  # type: ignore[arg-type]

    assert well == (None, (True, {"consumer": "ok"}))
    assert stuck == "the consumer has ended"
    assert (await health.ready())[0] is False


async def test_the_consumers_of_a_service_join_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever joins later makes the others pause."""
    kafka, both = KafkaSettings(bootstrap_servers="127.0.0.1:1"), asyncio.Barrier(2)
    broker = make_broker(kafka, "evaluator")
    subscribe(broker, kafka, Health("evaluator"), [member(), member()], 1)
    monkeypatch.setattr(BatchSubscriber, "start", lambda _: both.wait())

    await asyncio.wait_for(broker.start(), 5)

    assert broker.running
