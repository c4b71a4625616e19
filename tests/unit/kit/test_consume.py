"""A member of a consumer group: commits, puts back, gives up partitions, stops, and tells whether it is alive."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError
from faststream.exceptions import StopConsume

from contracts.evals import EvalRequestedV1
from contracts.topics import EVAL_REQUESTED
from kit.ceiling import CeilingReached
from kit.clock import FakeClock
from kit.consume import Member
from kit.delivery import Again
from kit.errors import DependencyDown
from kit.route import Route
from tests.events import consumed, record_of

RECORD = consumed(record_of(EvalRequestedV1(eval_id=uuid4(), dataset="d", candidate="c")))
HERE = TopicPartition("eval.requested", 0)


@dataclass
class Work:
    """A delivery that does as told."""

    process: Callable[[Any], Awaitable[Again | None]]
    route: Route = field(default_factory=lambda: Route(EVAL_REQUESTED, "evaluator"))


@dataclass
class Consumer:
    """aiokafka's consumer, as far as a member uses it."""

    highest: int = 0
    held: set[TopicPartition] = field(default_factory=set)

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
    """FastStream's message; `fails` is raised when it is acknowledged or put back."""

    consumer: Consumer = field(default_factory=Consumer)
    fails: Exception | None = None
    done: list[str] = field(default_factory=list)
    raw_message: Any = field(default_factory=lambda: RECORD)

    async def ack(self) -> None:
        self.done.append("ack")
        if self.fails:
            raise self.fails

    async def nack(self) -> None:
        self.done.append("nack")
        if self.fails:
            raise self.fails


def member(outcome: Again | Exception | None = None, clock: FakeClock | None = None) -> Member:
    """A member whose delivery comes to that."""

    async def process(_: Any) -> Again | None:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return Member("evaluator", [Work(process)], 1.0, clock or FakeClock())  # type: ignore[list-item]


async def test_a_record_that_is_done_is_committed() -> None:
    """Also if the commit fails: the record then comes again, and the inbox knows it."""
    good, late = Message(), Message(fails=CommitFailedError())

    await member().take(good)  # type: ignore[arg-type]
    await member().take(late)  # type: ignore[arg-type]

    assert good.done == late.done == ["ack"]


async def test_a_record_to_be_read_again_pauses_its_partition_for_that_long() -> None:
    """Other partitions go on."""
    message = Message()

    await member(Again(0.01)).take(message)  # type: ignore[arg-type]

    assert message.done == ["nack"]
    assert message.consumer.held == {HERE}
    await asyncio.sleep(0.03)
    assert message.consumer.held == set()


async def test_a_record_whose_partition_has_gone_is_left_to_its_new_owner() -> None:
    """Seeking there fails, and nothing is paused."""
    message = Message(fails=IllegalStateError("not assigned"))

    await member(Again(0.01)).take(message)  # type: ignore[arg-type]

    assert message.consumer.held == set()


async def test_a_partition_is_given_up_after_the_record_in_hand_is_committed() -> None:
    """Else the next owner would process it as well."""
    finish, message = asyncio.Event(), Message()

    async def process(_: Any) -> None:
        await finish.wait()

    busy = Member("evaluator", [Work(process)], 1.0, FakeClock())  # type: ignore[list-item]
    taking = asyncio.create_task(busy.take(message))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    revoking = asyncio.create_task(busy.on_partitions_revoked([HERE]))
    await asyncio.sleep(0.01)
    waited = not revoking.done()
    finish.set()

    await asyncio.gather(taking, revoking)

    assert waited
    assert message.done == ["ack"]


async def test_too_many_dead_letters_stop_the_member_and_make_it_unready() -> None:
    """The record is neither committed nor put back, and the process stays alive: a restart would not help."""
    stopping, message = member(CeilingReached()), Message()
    with pytest.raises(StopConsume):
        await stopping.take(message)  # type: ignore[arg-type]

    with pytest.raises(DependencyDown, match="dead letters"):
        await stopping.check()

    assert message.done == []
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
