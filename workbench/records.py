"""The records of a running broker, read from outside of any consumer group: nothing is committed, nobody is disturbed."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from kit.errors import DependencyDown

_POLL_MS = 500
_PATIENCE_POLLS = 40


@dataclass(frozen=True, slots=True)
class Extent:
    """The offsets of a partition: its records are in `[first, end)`."""

    first: int
    end: int

    @property
    def records(self) -> int:
        """How many there are, as long as none was compacted away."""
        return self.end - self.first


class Records:
    """What a broker holds, by topic. `partitions` lists the topics that exist: to ask a broker for others may make them."""

    def __init__(self, consumer: AIOKafkaConsumer, partitions: Mapping[str, list[TopicPartition]]) -> None:
        self._consumer = consumer
        self.partitions = partitions

    async def extents(self, topics: Iterable[str]) -> dict[TopicPartition, Extent]:
        """The extent of each partition of `topics`, as of now; topics that do not exist are left out. Raises DependencyDown."""
        partitions = [partition for topic in topics for partition in self.partitions.get(topic, ())]
        if not partitions:
            return {}
        first = await self._rewind(partitions)
        # Not from `end_offsets`: the embedded broker gives wrong ones after a batch. What comes with a fetch is right everywhere.
        polls = 0
        while missing := [partition for partition in partitions if self._consumer.highwater(partition) is None]:
            await self._poll(polls := polls + 1, missing)
        return {partition: Extent(first[partition], self._consumer.highwater(partition)) for partition in partitions}

    async def of(self, topic: str) -> AsyncIterator[ConsumerRecord]:
        """All records that `topic` holds when this is called, those of a partition in order. Raises DependencyDown."""
        extents = {partition: extent for partition, extent in (await self.extents([topic])).items() if extent.records}
        left, polls = list(extents), 0
        if left:
            await self._rewind(left)
        while left:
            for partition, records in (batch := await self._poll(polls := polls + 1, left)).items():
                for record in records:
                    if record.offset < extents[partition].end:
                        yield record
            polls = 0 if batch else polls
            left = [partition for partition in left if await self._consumer.position(partition) < extents[partition].end]

    async def _rewind(self, partitions: list[TopicPartition]) -> Mapping[TopicPartition, int]:
        self._consumer.assign(partitions)
        first: Mapping[TopicPartition, int] = await self._consumer.beginning_offsets(partitions)
        for partition, offset in first.items():
            self._consumer.seek(partition, offset)
        return first

    async def _poll(self, polls: int, wanted: list[TopicPartition]) -> Mapping[TopicPartition, list[ConsumerRecord]]:
        if polls > _PATIENCE_POLLS:
            raise DependencyDown(
                "broker_down", f"the broker says nothing about {', '.join(map(str, wanted))}; is each partition's leader up?"
            )
        batch: Mapping[TopicPartition, list[ConsumerRecord]] = await self._consumer.getmany(timeout_ms=_POLL_MS)
        return batch


@asynccontextmanager
async def reading(kafka: str, *, peek: bool = False) -> AsyncIterator[Records]:
    """Opens the broker at `kafka` (host:port). With `peek`, a fetch brings as few bytes as it can: for who asks for extents alone.

    Raises DependencyDown `broker_down`, also for what goes wrong in the block.
    """
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka, enable_auto_commit=False, fetch_max_wait_ms=100, max_partition_fetch_bytes=1 if peek else 1_048_576
    )
    try:
        await consumer.start()
        yield Records(consumer, await _partitions(kafka))
    except (KafkaError, OSError) as error:
        raise DependencyDown("broker_down", f"the broker at {kafka} does not answer: {error!r}; see `workbench status`") from error
    finally:
        await consumer.stop()


async def committed(kafka: str, group: str, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int | None]:
    """The offset at which `group` goes on in each partition, None where it never committed. It is asked for without joining the group."""
    partitions = list(partitions)
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, group_id=group, enable_auto_commit=False)
    try:
        await consumer.start()
        offsets = await asyncio.gather(*(consumer.committed(partition) for partition in partitions))
        return dict(zip(partitions, offsets, strict=True))
    finally:
        await consumer.stop()


async def _partitions(kafka: str) -> dict[str, list[TopicPartition]]:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    try:
        await admin.start()
        described = await admin.describe_topics()
    finally:
        await admin.close()
    return {topic["topic"]: sorted(TopicPartition(topic["topic"], p["partition"]) for p in topic["partitions"]) for topic in described}
