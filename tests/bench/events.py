"""How many small events a second one worker takes from consume to publish, beside the bare libraries; and how long one document takes."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from resource import RUSAGE_CHILDREN, getrusage
from uuid import uuid4

import numpy as np
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from contracts.evals import EvalRequestedV1
from contracts.topics import DOCS_INDEXED, DOCS_UPLOADED, EVAL_REQUESTED
from kit.topics import create_topics
from tests.bench.raw import ROOT
from tests.bench.raw.events import TOGETHER, topic_of
from tests.bench.report import Figure, MeasurementFailed, Peer, Target
from tests.bench.stack import Stack, running_stack
from tests.bench.workspace import Workspace
from tests.events import record_of
from workbench.records import reading
from workbench.stack.servers import Servers, fresh_database, running_servers

EVENTS = 20_000
ALONE = 2_000
DOCUMENTS = 60
WITHIN_S = 240
PARTITIONS = EVAL_REQUESTED.partitions


async def measure(workspace: Workspace) -> list[Figure]:
    """Rates in events a second between the first and the last event published; then the way of a one-chunk document."""
    rates: dict[str, float] = {}
    with running_servers(workspace.new_folder("events") / ".workbench") as servers:
        await _make_topics(servers.kafka)
        await _send(servers.kafka, EVENTS)
        for way in ("aiokafka", "faststream", "worker"):
            workspace.tell(f"{EVENTS} events through one consumer: {way}")
            before = _processor_s()
            rates[way] = await _rate(fresh_database(servers), way, TOGETHER)
            busy_s = _processor_s() - before
    rates["one by one"] = await _one_by_one(workspace)
    each, own = 1e6 / rates["worker"], 1e6 * busy_s / EVENTS
    note = (
        f"a row, inbox and outbox in Postgres; up to {TOGETHER} share a transaction, and one by one it is {rates['one by one']:.0f}/s. "
        f"Python is the limit: of {each:.0f} us an event, {own:.0f} us are the worker's own processor time"
    )
    ours, target = {"rate": rates["worker"]}, Target(1_000, at_least=True)
    return [
        Figure("one worker", "events/s", ours, EVENTS, "events", Peer("aiokafka", rates["aiokafka"]), target, note=note),
        Figure("one worker", "events/s", ours, EVENTS, "events", Peer("FastStream", rates["faststream"])),
        await _documents(workspace),
    ]


async def _one_by_one(workspace: Workspace) -> float:
    workspace.tell(f"{ALONE} events through one consumer, each in a transaction of its own")
    with running_servers(workspace.new_folder("alone") / ".workbench") as servers:
        await _make_topics(servers.kafka)
        await _send(servers.kafka, ALONE)
        return await _rate(servers, "worker", 1, ALONE)


async def _documents(workspace: Workspace) -> Figure:
    """Milliseconds from `docs.uploaded` to `docs.indexed`, as the broker's records are dated, one document at a time."""
    workspace.tell(f"{DOCUMENTS} documents of one chunk")
    async with running_stack(workspace.new_folder("documents")) as stack:
        took = [await _took(stack, number) for number in range(DOCUMENTS + 1)][1:]  # the first waits for a parser to start
    p50, p99 = np.percentile(took, [50, 99])
    measured = {"p50": float(p50), "p99": float(p99)}
    return Figure("docs.uploaded to docs.indexed", "ms", measured, DOCUMENTS, "documents", note="one chunk each, parsed and embedded")


async def _took(stack: Stack, number: int) -> float:
    text = f"Note {number}. The travel expenses of project {uuid4()} are paid within {number} days of filing."
    answer = await stack.http.post("/ingest", json={"text": text, "title": f"Note {number}", "media_type": "text/plain"})
    document_id: str = answer.raise_for_status().json()["document_id"]
    dated: dict[str, int] = {}
    consumer = AIOKafkaConsumer(
        DOCS_UPLOADED.name, DOCS_INDEXED.name, bootstrap_servers=stack.addresses["kafka"], auto_offset_reset="earliest"
    )
    async with consumer, asyncio.timeout(WITHIN_S):
        while len(dated) < 2:
            record = await consumer.getone()
            if record.key == document_id.encode():
                dated[record.topic] = record.timestamp
    return float(dated[DOCS_INDEXED.name] - dated[DOCS_UPLOADED.name])


async def _rate(servers: Servers, way: str, together: int, count: int = EVENTS) -> float:
    given = {"kafka": servers.kafka, "dsn": servers.dsn("evaluator"), "together": str(together)}
    async with _process(way, json.dumps(given)):
        await _published(servers.kafka, topic_of(way), count)
    dates = await _dates(servers.kafka, topic_of(way))
    return (len(dates) - 1) / (max(dates) - min(dates)) * 1000


def _processor_s() -> float:
    """Seconds of processor time of all processes that were waited for."""
    used = getrusage(RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


async def _published(kafka: str, topic: str, count: int) -> None:
    """Returns when `topic` has so many records; asks seldom, so that whoever is measured has the machine."""
    began = time.monotonic()
    async with reading(kafka, peek=True) as records:
        while sum(extent.records for extent in (await records.extents([topic])).values()) < count:
            if time.monotonic() - began > WITHIN_S:
                raise MeasurementFailed(f"{topic} did not get {count} records within {WITHIN_S} s")
            await asyncio.sleep(1)


async def _dates(kafka: str, topic: str) -> list[int]:
    async with reading(kafka) as records:
        return [record.timestamp async for record in records.of(topic)]


@asynccontextmanager
async def _process(way: str, given: str) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.bench.raw.events", way, given, cwd=ROOT)
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


async def _make_topics(kafka: str) -> None:
    await create_topics(kafka)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic_of(way), PARTITIONS, 1) for way in ("aiokafka", "faststream")])
    finally:
        await admin.close()


async def _send(kafka: str, count: int) -> None:
    async with AIOKafkaProducer(bootstrap_servers=kafka, acks="all", linger_ms=5) as producer:
        for _ in range(count):
            record = record_of(EvalRequestedV1(eval_id=uuid4(), dataset="handbook", candidate="b"))
            await producer.send(record.topic, record.value, record.key, headers=list(record.headers))
        await producer.flush()
