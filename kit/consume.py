"""A consumer group's member: takes records from FastStream to their delivery, and commits, puts back or stops as that says."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, ConsumerRecord, TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError
from faststream import AckPolicy
from faststream.exceptions import StopConsume
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaMessage

from kit.ceiling import CeilingReached
from kit.delivery import Again, Delivery
from kit.metrics import CONSUMER_STOPPED
from kit.settings import KafkaSettings

log = structlog.get_logger(__name__)

_REBALANCE_MARGIN_S = 10.0


@dataclass
class Member(ConsumerRebalanceListener):  # type: ignore[misc]
    """One consumer for all topics of a group; records are processed one after another.

    A record that must be read again pauses its partition alone. A partition is given up only after the record in hand is finished and
    committed, so that no other member processes it as well.
    """

    group: str
    deliveries: Sequence[Delivery]
    drain_s: float
    _idle: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._idle.set()
        self._of_topic = {topic: delivery for delivery in self.deliveries for topic in delivery.route.consumed}

    @property
    def topics(self) -> tuple[str, ...]:
        """What it reads."""
        return tuple(self._of_topic)

    async def take(self, message: KafkaMessage) -> None:
        """Processes one record. Raises StopConsume when the group must not go on."""
        record: ConsumerRecord = message.raw_message
        self._idle.clear()
        try:
            again = await self._of_topic[record.topic].process(record)
            await (self._commit(message) if again is None else self._put_back(message, record, again))
        except CeilingReached:
            self._stop(record)
            raise StopConsume from None
        finally:
            self._idle.set()

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Waits for the record in hand."""
        try:
            await asyncio.wait_for(self._idle.wait(), self.drain_s)
        except TimeoutError:
            log.warning("consumer.revoked_in_hand", group=self.group, partitions=[str(partition) for partition in revoked])

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Nothing to prepare: what a partition needs is in its records."""

    async def _commit(self, message: KafkaMessage) -> None:
        try:
            await message.ack()
        except KafkaError as error:
            log.warning("offset.not_committed", group=self.group, reason=repr(error))

    async def _put_back(self, message: KafkaMessage, record: ConsumerRecord, again: Again) -> None:
        partition = TopicPartition(record.topic, record.partition)
        consumer: AIOKafkaConsumer = message.consumer
        try:
            await message.nack()
            consumer.pause(partition)
        except IllegalStateError:
            return  # the partition has gone to another member, who reads the record
        asyncio.get_running_loop().call_later(again.after_s, _resume, consumer, partition)

    def _stop(self, record: ConsumerRecord) -> None:
        CONSUMER_STOPPED.labels(self.group).set(1)
        log.critical("consumer.stopped", group=self.group, topic=record.topic, partition=record.partition, offset=record.offset)


def _resume(consumer: AIOKafkaConsumer, partition: TopicPartition) -> None:
    if partition in consumer.assignment():
        consumer.resume(partition)


def subscribe(broker: KafkaBroker, kafka: KafkaSettings, group: str, deliveries: Sequence[Delivery]) -> None:
    """Registers a member of `group` that reads the routes of `deliveries`."""
    CONSUMER_STOPPED.labels(group).set(0)
    member = Member(group, deliveries, kafka.rebalance_timeout_ms / 1000 - _REBALANCE_MARGIN_S)
    subscriber = broker.subscriber(
        *member.topics,
        group_id=group,
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.NACK_ON_ERROR,
        listener=member,
        max_poll_interval_ms=kafka.max_poll_interval_ms,
        rebalance_timeout_ms=kafka.rebalance_timeout_ms,
        session_timeout_ms=kafka.session_timeout_ms,
        heartbeat_interval_ms=min(3_000, kafka.session_timeout_ms // 3),
    )
    subscriber(member.take)
