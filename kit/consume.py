"""A consumer group's member: takes records from FastStream to their delivery, and commits, puts back or stops as that says."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import cast

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError
from faststream import AckPolicy
from faststream.exceptions import StopConsume
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaMessage
from faststream.kafka.subscriber.usecase import BatchSubscriber

from kit.ceiling import CeilingReached
from kit.clock import Clock
from kit.delivery import Again, Delivery
from kit.errors import DependencyDown
from kit.failpoints import Failpoints, Place
from kit.health import Health
from kit.metrics import CONSUMER_STOPPED
from kit.patience import REBALANCE_MARGIN_S, longest_record_s
from kit.settings import KafkaSettings

log = structlog.get_logger(__name__)

Records = Sequence[ConsumerRecord]

# No record is begun later than this after its batch was taken: a batch of slow ones must not outlast the poll interval.
BEGIN_WITHIN_S = 1.0


@dataclass
class Member(ConsumerRebalanceListener):  # type: ignore[misc]
    """A consumer of some topics of a group; records are processed in their order, one batch after another.

    What is done of a batch is committed by partition, and the rest is read again. A record that must wait pauses its partition alone. A
    partition is given up only after what is in hand is finished and committed, so that no other member processes it as well.
    """

    group: str
    deliveries: Sequence[Delivery]
    drain_s: float
    clock: Clock
    failpoints: Failpoints = field(default_factory=Failpoints)
    stopped: bool = False
    _leaving: bool = False
    _idle: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._idle.set()
        self._last_step = self.clock.monotonic()
        self._of_topic = {topic: delivery for delivery in self.deliveries for topic in delivery.route.consumed}

    @property
    def topics(self) -> tuple[str, ...]:
        """What it reads."""
        return tuple(self._of_topic)

    async def take(self, message: KafkaMessage) -> None:
        """Processes a batch. Raises StopConsume when the group must not go on."""
        consumer, until = cast(AIOKafkaConsumer, message.consumer), self.clock.monotonic() + BEGIN_WITHIN_S
        waiting = _by_partition(cast(Records, message.raw_message))
        self._step(busy=True)
        try:
            while waiting:
                await self._work_off(consumer, *waiting.pop(0), until)
        except CeilingReached:
            self._stop()
            raise StopConsume from None
        finally:
            for partition, records in waiting:
                self._put_back(consumer, partition, records[0].offset, None)
            self._step(busy=False)

    async def _work_off(self, consumer: AIOKafkaConsumer, partition: TopicPartition, records: Records, until: float) -> None:
        """Whatever happens, what is done is committed and what is not is read again."""
        delivery, again, left = self._of_topic[partition.topic], None, records
        try:
            while left and again is None and self.clock.monotonic() < until and not self._leaving:
                outcome = await delivery.process_first(left)
                self._step(busy=True)
                if isinstance(outcome, Again):
                    again = outcome
                else:
                    left = left[outcome:]
        finally:
            if len(left) < len(records):
                await self._commit(consumer, partition, records[-len(left) - 1].offset + 1)
            if left:
                self._put_back(consumer, partition, left[0].offset, again)

    async def complaint(self, consumer: AIOKafkaConsumer | None, patience_s: float) -> str | None:
        """Why this member is not alive: a record in hand, or records waiting, with no step for `patience_s` seconds. None if it is."""
        if self.stopped or self.clock.monotonic() - self._last_step < patience_s:
            return None
        if not self._idle.is_set():
            return f"a record is in hand for more than {patience_s:g} s"
        if consumer is None:
            return "the consumer has ended"
        waiting = [partition for partition in consumer.assignment() - consumer.paused() if await _lag(consumer, partition) > 0]
        return f"records wait on {len(waiting)} partitions, and none was read for {patience_s:g} s" if waiting else None

    async def check(self) -> None:
        """Raises DependencyDown `consumer_stopped` after too many dead letters: a restart would not help, mending the cause does."""
        if self.stopped:
            raise DependencyDown("consumer_stopped", "too many dead letters: mend their cause, then restart the service")

    def _step(self, *, busy: bool) -> None:
        self._last_step = self.clock.monotonic()
        (self._idle.clear if busy else self._idle.set)()

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Waits for the record in hand; the others of its batch are left to the next owner."""
        if revoked:
            self.failpoints.reach(Place.DURING_DRAIN)
        self._leaving = True
        try:
            await asyncio.wait_for(self._idle.wait(), self.drain_s)
        except TimeoutError:
            log.warning("consumer.revoked_in_hand", group=self.group, partitions=[str(partition) for partition in revoked])

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Begins records again; what a partition needs is in its records."""
        self._leaving = False

    async def _commit(self, consumer: AIOKafkaConsumer, partition: TopicPartition, offset: int) -> None:
        self.failpoints.reach(Place.AFTER_COMMIT)
        try:
            await consumer.commit({partition: offset})
        except KafkaError as error:
            log.warning("offset.not_committed", group=self.group, reason=repr(error))

    def _put_back(self, consumer: AIOKafkaConsumer, partition: TopicPartition, offset: int, again: Again | None) -> None:
        try:
            consumer.seek(partition, offset)
            if again is None:
                return
            consumer.pause(partition)
        except IllegalStateError:
            return  # the partition has gone to another member, who reads the record
        asyncio.get_running_loop().call_later(again.after_s, _resume, consumer, partition)

    def _stop(self) -> None:
        self.stopped = True
        CONSUMER_STOPPED.labels(self.group).set(1)
        log.critical("consumer.stopped", group=self.group)


def _by_partition(records: Records) -> list[tuple[TopicPartition, Records]]:
    parts = groupby(records, lambda record: TopicPartition(record.topic, record.partition))
    return [(partition, list(some)) for partition, some in parts]


def _resume(consumer: AIOKafkaConsumer, partition: TopicPartition) -> None:
    if partition in consumer.assignment():
        consumer.resume(partition)


async def _lag(consumer: AIOKafkaConsumer, partition: TopicPartition) -> int:
    highwater: int | None = consumer.highwater(partition)
    return 0 if highwater is None else highwater - await consumer.position(partition)


def drain_s(kafka: KafkaSettings) -> float:
    """Seconds that a member may finish what is in hand when a partition is taken away."""
    return kafka.rebalance_timeout_ms / 1000 - REBALANCE_MARGIN_S


def subscribe(broker: KafkaBroker, kafka: KafkaSettings, health: Health, members: Sequence[Member], batch: int) -> None:
    """Has each member take up to `batch` records at a time, and registers what its service's health depends on."""
    subscribed = [(member, _subscribed(broker, kafka, member, batch)) for member in members]

    async def check() -> None:
        for member in members:
            await member.check()

    async def complaint() -> str | None:
        patience_s = longest_record_s(kafka) + REBALANCE_MARGIN_S
        told = [await member.complaint(subscriber.consumer, patience_s) for member, subscriber in subscribed]
        return next(filter(None, told), None)

    health.watch("consumer", check)
    health.alive = complaint


def _subscribed(broker: KafkaBroker, kafka: KafkaSettings, member: Member, batch: int) -> BatchSubscriber:
    CONSUMER_STOPPED.labels(member.group).set(0)
    subscriber = broker.subscriber(
        *member.topics,
        batch=True,
        max_records=batch,
        group_id=member.group,
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.MANUAL,
        listener=member,
        max_poll_interval_ms=kafka.max_poll_interval_ms,
        rebalance_timeout_ms=kafka.rebalance_timeout_ms,
        session_timeout_ms=kafka.session_timeout_ms,
        heartbeat_interval_ms=min(3_000, kafka.session_timeout_ms // 3),
    )
    subscriber(member.take)
    return subscriber
