"""What this project needs of a broker, on each one it runs on."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError

from contracts.codec import Record
from contracts.topics import TOPICS, dead_letter_topic
from kit.broker import open_publisher
from kit.topics import create_topics
from tests.brokers import Broker, LocalBroker
from tests.brokers.tansu import running_tansu

PARTITIONS = 3
WITHIN_S = 120
HEADERS = [("ce_id", b"1"), ("null", None), ("not-utf-8", b"\xff\xfe\x00"), ("empty", b""), ("twice", b"1"), ("twice", b"2")]

Records = list[ConsumerRecord[Any, Any]]


@asynccontextmanager
async def administrator(broker: Broker) -> AsyncIterator[AIOKafkaAdminClient]:
    """Who makes topics and lists them."""
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


async def make_topic(broker: Broker) -> str:
    """A new topic's name."""
    name = f"test.{uuid4()}"
    async with administrator(broker) as admin:
        await admin.create_topics([NewTopic(name, PARTITIONS, 1)])
    return name


@pytest.fixture
async def topic(broker: Broker) -> str:
    """An empty topic of its own."""
    return await make_topic(broker)


async def publish(broker: Broker, topic: str, *values: bytes, key: bytes = b"k") -> None:
    """Publishes values under one key as a service does."""
    async with asyncio.timeout(WITHIN_S), open_publisher(broker.settings(), "test") as publisher:
        assert await publisher.publish([Record(topic, key, value, ()) for value in values]) == len(values)


async def consume(broker: Broker, topic: str, count: int) -> Records:
    """The first records of a topic, partition by partition in order."""
    async with AIOKafkaConsumer(bootstrap_servers=broker.bootstrap_servers, auto_offset_reset="earliest") as consumer:
        consumer.assign([TopicPartition(topic, number) for number in range(PARTITIONS)])
        return await taken(consumer, count)


def member(broker: Broker, topic: str, group: str) -> AIOKafkaConsumer:
    """A member of a consumer group that commits when it is told to."""
    return AIOKafkaConsumer(
        topic,
        bootstrap_servers=broker.bootstrap_servers,
        group_id=group,
        session_timeout_ms=broker.settings().session_timeout_ms,
        heartbeat_interval_ms=500,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )


async def taken(consumer: AIOKafkaConsumer, count: int) -> Records:
    """The next `count` records."""
    async with asyncio.timeout(WITHIN_S):
        return [await consumer.getone() for _ in range(count)]


async def partitions(broker: Broker) -> dict[str, int]:
    """Every topic with the number of its partitions."""
    async with administrator(broker) as admin:
        return {topic["topic"]: len(topic["partitions"]) for topic in await admin.describe_topics()}


async def test_every_topic_is_made_with_its_partitions(broker: Broker) -> None:
    """And a dead letter topic for each reader; making them again changes nothing."""
    await create_topics(broker.bootstrap_servers)
    await create_topics(broker.bootstrap_servers)

    made = await partitions(broker)
    for topic in TOPICS:
        names = [topic.name, *(dead_letter_topic(topic.name, reader) for reader in topic.readers)]
        assert {name: made.get(name) for name in names} == dict.fromkeys(names, topic.partitions)


async def test_a_record_arrives_byte_for_byte(broker: Broker, topic: str) -> None:
    """Key, value and headers: null, not UTF-8, empty, and one name twice."""
    async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap_servers) as producer:
        await producer.send_and_wait(topic, b"\x00\xff", b"\xfe", headers=HEADERS)

    [record] = await consume(broker, topic, 1)
    assert (record.key, record.value, list(record.headers)) == (b"\xfe", b"\x00\xff", HEADERS)


async def test_a_forwarded_record_keeps_what_it_had(broker: Broker, topic: str) -> None:
    """As a dead letter does: headers that no parser reads go with it, ours come after."""
    async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap_servers) as producer:
        await producer.send_and_wait(topic, None, b"k", headers=HEADERS)
    [record] = await consume(broker, topic, 1)

    async with open_publisher(broker.settings(), "test") as publisher:
        await publisher.forward(topic, record, [*record.headers, ("x-error-code", b"poison")])

    _, copy = await consume(broker, topic, 2)
    assert (copy.key, copy.value, list(copy.headers)) == (b"k", None, [*HEADERS, ("x-error-code", b"poison")])


async def test_a_tombstone_is_not_an_empty_value(broker: Broker, topic: str) -> None:
    """Both arrive as what they are."""
    async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap_servers) as producer:
        await producer.send_and_wait(topic, None, b"k")
        await producer.send_and_wait(topic, b"", b"k")

    assert [record.value for record in await consume(broker, topic, 2)] == [None, b""]


async def test_records_of_one_key_keep_their_order(broker: Broker, topic: str) -> None:
    """They share a partition, whatever others are published meanwhile."""
    numbers = [str(number).encode() for number in range(300)]
    await asyncio.gather(*(publish(broker, topic, *numbers, key=key) for key in (b"a", b"b", b"c", b"d")))

    records = await consume(broker, topic, 1200)
    for key in (b"a", b"b", b"c", b"d"):
        assert [record.value for record in records if record.key == key] == numbers
        assert len({record.partition for record in records if record.key == key}) == 1


async def test_what_was_not_committed_is_delivered_again(broker: Broker, topic: str) -> None:
    """A member goes after its first commit; the next one begins there."""
    await publish(broker, topic, b"1", b"2", b"3")
    async with member(broker, topic, f"{topic}.group") as first:
        [record] = await taken(first, 1)
        await first.commit({TopicPartition(topic, record.partition): record.offset + 1})
        await taken(first, 2)

    async with member(broker, topic, f"{topic}.group") as second:
        assert [record.value for record in await taken(second, 2)] == [b"2", b"3"]


async def test_groups_do_not_see_each_others_commits(broker: Broker, topic: str) -> None:
    """Each reads everything."""
    await publish(broker, topic, b"1")
    async with member(broker, topic, f"{topic}.one") as one:
        await taken(one, 1)
        await one.commit()

    async with member(broker, topic, f"{topic}.two") as two:
        assert [record.value for record in await taken(two, 1)] == [b"1"]


async def test_idempotence_is_as_the_settings_say(broker: Broker, topic: str) -> None:
    """A broker that learns it tells us here."""
    producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap_servers, enable_idempotence=True)
    works = True
    try:
        await producer.start()
        await producer.send_and_wait(topic, b"1")
    except KafkaError:
        works = False
    finally:
        await producer.stop()

    assert works == broker.settings().idempotent


@pytest.mark.parametrize("end", [LocalBroker.stop, LocalBroker.kill])
async def test_records_and_commits_outlive_a_restart(durable_broker: LocalBroker, end: Callable[[LocalBroker], None]) -> None:
    """Whether it was stopped in order or killed."""
    topic = await make_topic(durable_broker)
    await publish(durable_broker, topic, b"1", b"2")
    async with member(durable_broker, topic, f"{topic}.group") as consumer:
        [record] = await taken(consumer, 1)
        await consumer.commit({TopicPartition(topic, record.partition): record.offset + 1})
    await asyncio.to_thread(end, durable_broker)
    await asyncio.to_thread(durable_broker.start)

    assert [record.value for record in await consume(durable_broker, topic, 2)] == [b"1", b"2"]
    async with member(durable_broker, topic, f"{topic}.group") as consumer:
        assert [record.value for record in await taken(consumer, 1)] == [b"2"]


async def test_a_publisher_waits_for_a_broker_that_comes_back(durable_broker: LocalBroker) -> None:
    """What it was given meanwhile is acknowledged, once."""
    topic = await make_topic(durable_broker)
    async with open_publisher(durable_broker.settings(), "test") as publisher:
        assert await publisher.publish([Record(topic, b"k", b"before", ())]) == 1
        await asyncio.to_thread(durable_broker.stop)
        sending = asyncio.create_task(publisher.publish([Record(topic, b"k", b"meanwhile", ())]))
        await asyncio.to_thread(durable_broker.start)

        assert await sending == 1
    await publish(durable_broker, topic, b"after")
    assert [record.value for record in await consume(durable_broker, topic, 3)] == [b"before", b"meanwhile", b"after"]


async def test_a_broker_that_forgets_starts_empty(tmp_path: Path) -> None:
    """At its old address, without its topics."""
    with running_tansu(tmp_path) as broker:
        topic = await make_topic(broker)
        assert topic in await partitions(broker)
        broker.stop()
        broker.start()

        assert broker.settings().forgets
        assert topic not in await partitions(broker)
