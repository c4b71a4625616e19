"""Reads topics from their beginning without a group, and what a group has committed."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from contracts.topics import Topic

QUIET_S = 1.0

Records = list[ConsumerRecord[Any, Any]]


async def read_all(bootstrap_servers: str, topics: Mapping[str, int]) -> Records:
    """Everything that stands on topics, each with its number of partitions; they must be at rest."""
    places = [TopicPartition(topic, number) for topic, partitions in topics.items() for number in range(partitions)]
    found: Records = []
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap_servers, auto_offset_reset="earliest") as consumer:
        consumer.assign(places)
        await consumer.seek_to_beginning()
        # Ends are not known before the first fetch on every broker: what comes until it is quiet for a while is all.
        while batch := await consumer.getmany(timeout_ms=int(QUIET_S * 1000)):
            found += [record for records in batch.values() for record in records]
    return found


async def committed(bootstrap_servers: str, group: str, topics: Sequence[Topic]) -> dict[tuple[str, int], int]:
    """The committed offset of each partition of `topics`; nothing while the broker is away."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    places = [TopicPartition(topic.name, number) for topic in topics for number in range(topic.partitions)]
    try:
        async with asyncio.timeout(5):
            await admin.start()
            offsets = await admin.list_consumer_group_offsets(group, partitions=places)
    except (KafkaError, TimeoutError, OSError):
        return {}
    finally:
        await admin.close()
    return {(place.topic, place.partition): max(known.offset, 0) for place, known in offsets.items()}
