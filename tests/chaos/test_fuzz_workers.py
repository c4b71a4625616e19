"""Junk into real workers on real servers: each record has its effect or is a dead letter, and the good ones behind it are done."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from hashlib import sha256
from itertools import cycle
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from pydantic import SecretStr

from contracts.topics import EVAL_REQUESTED, FEEDBACK_RECEIVED, QUERIES_ANSWERED, Topic
from kit.migrations import migrate
from kit.postgres import open_pool
from kit.route import Route
from kit.settings import BlobSettings, KafkaSettings, PostgresSettings
from kit.topics import create_topics
from services.evaluator import app as evaluator
from services.evaluator.settings import Settings as EvaluatorSettings
from services.feedback import app as feedback
from services.feedback.settings import Settings as FeedbackSettings
from tests.brokers.tansu import running_tansu
from tests.chaos.junk import Junk, good_examples, junk, with_id
from workbench.stack.servers import Servers

pytestmark = pytest.mark.usefixtures("quiet")

COUNT = 510
WITHIN_S = 120
ROUTES = (Route(EVAL_REQUESTED, "evaluator"), Route(FEEDBACK_RECEIVED, "feedback"), Route(QUERIES_ANSWERED, "feedback"))

Position = tuple[str, int, int]


@pytest.fixture
def kafka(tmp_path: Path) -> Iterator[KafkaSettings]:
    """A broker of its own, and workers that no number of dead letters stops."""
    with running_tansu(tmp_path) as broker:
        no_ceiling = {"ceiling_in_a_row": COUNT + 1, "ceiling_share": 2.0}
        yield broker.settings().model_copy(update={"retry_delays_s": (0.2, 0.2), **no_ceiling})


@asynccontextmanager
async def working(kafka: KafkaSettings, database: Servers) -> AsyncIterator[None]:
    """Both services consume while the block runs. What evaluator reads of rag is there."""
    async with open_pool(PostgresSettings(dsn=SecretStr(database.dsn("rag"))), "rag") as pool:
        await migrate(pool, "rag")
    dsn = {service: PostgresSettings(dsn=SecretStr(database.dsn(service))) for service in ("evaluator", "feedback")}
    async with AsyncExitStack() as stack:
        for app in (
            evaluator.build(EvaluatorSettings(kafka=kafka, postgres=dsn["evaluator"], blobs=BlobSettings(url="file:///nowhere"))),
            feedback.build(FeedbackSettings(kafka=kafka, postgres=dsn["feedback"])),
        ):
            await stack.enter_async_context(app.start_lifespan_context())
        yield


def fresh(topic: Topic) -> Junk:
    """A good record with an id of its own."""
    example = good_examples(topic)[0]
    return with_id(example, uuid4().hex)


async def sent(kafka: KafkaSettings) -> dict[Position, Junk]:
    """Junk on every partition of every topic, and a good record behind it."""
    told: dict[Position, Junk] = {}
    async with AIOKafkaProducer(bootstrap_servers=kafka.bootstrap_servers) as producer:
        for number, route in enumerate(ROUTES):
            behind = [fresh(route.topic) for _ in range(route.topic.partitions)]
            records = [*junk(route.topic, COUNT // len(ROUTES), seed=number), *behind]
            for record, partition in zip(records, cycle(range(route.topic.partitions)), strict=False):
                at = await producer.send_and_wait(route.topic.name, record.value, record.key, partition, headers=list(record.headers))
                told[at.topic, at.partition, at.offset] = record
    return told


async def handled(database: Servers) -> set[tuple[bytes, str]]:
    """Ids and digests of what had its effect."""
    connection = await asyncpg.connect(database.dsn())
    try:
        rows = await connection.fetch("SELECT event_id, digest FROM evaluator.inbox UNION SELECT event_id, digest FROM feedback.inbox")
        return {(row["event_id"].encode(), row["digest"]) for row in rows}
    finally:
        await connection.close()


async def reader(stack: AsyncExitStack, kafka: KafkaSettings) -> AIOKafkaConsumer:
    """Reads the dead letter topics from their beginning."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap_servers, auto_offset_reset="earliest")
    await stack.enter_async_context(consumer)
    consumer.assign([TopicPartition(route.dead_letters, number) for route in ROUTES for number in range(route.topic.partitions)])
    return consumer


def source(record: ConsumerRecord[Any, Any]) -> Position:
    """Where a dead letter was sent."""
    told = {name: value.decode() for name, value in record.headers[-8:]}
    return told["x-source-topic"], int(told["x-source-partition"]), int(told["x-source-offset"])


def had_effect(record: Junk, effects: set[tuple[bytes, str]]) -> bool:
    """Whether the inbox knows it."""
    event_id = dict(record.headers).get("ce_id")
    return event_id is not None and (event_id, sha256(record.value or b"").hexdigest()) in effects


async def dead_letters(kafka: KafkaSettings, database: Servers, told: dict[Position, Junk]) -> dict[Position, ConsumerRecord[Any, Any]]:
    """The dead letters by their source, once every record that was sent has had its effect or is one of them."""
    dead: dict[Position, ConsumerRecord[Any, Any]] = {}
    async with AsyncExitStack() as stack:
        consumer = await reader(stack, kafka)
        async with asyncio.timeout(WITHIN_S):
            while True:
                effects = await handled(database)
                if all(at in dead or had_effect(record, effects) for at, record in told.items()):
                    return dead
                for batch in (await consumer.getmany(timeout_ms=500)).values():
                    dead |= {source(record): record for record in batch}


async def test_junk_stops_no_worker_and_is_never_lost(kafka: KafkaSettings, database: Servers) -> None:
    """Each record is accounted for, what is dead is byte for byte, and the good one behind on each partition has had its effect."""
    await create_topics(kafka.bootstrap_servers)
    told = await sent(kafka)

    async with working(kafka, database):
        dead = await dead_letters(kafka, database, told)

    assert {(at, letter.key, letter.value, tuple(letter.headers[:-8])) for at, letter in dead.items()} == {
        (at, told[at].key, told[at].value, told[at].headers) for at in dead
    }
    last = {(topic, partition): max(o for t, p, o in told if (t, p) == (topic, partition)) for topic, partition, _ in told}
    assert not {(*place, offset) for place, offset in last.items()} & dead.keys()
    assert len(dead) > COUNT / 2
