"""One consumer that answers every `eval.requested` with an event on another topic, in one of three ways: `events <way>`, until SIGTERM.

worker      ours: a row, the inbox and the outbox in Postgres, then the relay
faststream  a bare FastStream handler that publishes, nothing kept
aiokafka    batches of a bare consumer to a bare producer, nothing kept
"""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from pydantic import SecretStr

from contracts.codec import Received
from contracts.evals import EvalRequestedV1
from contracts.feedback import FeedbackReceivedV1
from contracts.topics import EVAL_REQUESTED, FEEDBACK_RECEIVED
from kit.floor import Floor
from kit.logs import configure_logs
from kit.settings import KafkaSettings, PostgresSettings, ServiceSettings
from kit.worker import Wiring, make_worker

TOGETHER = 200
Given = Mapping[str, str]


def topic_of(way: str) -> str:
    """Where the events of a way go."""
    return FEEDBACK_RECEIVED.name if way == "worker" else f"bench.{way}"


async def worker(given: Given) -> None:
    """A service as any other."""
    kafka = KafkaSettings(bootstrap_servers=given["kafka"], idempotent=False, session_timeout_ms=2_000)
    settings = ServiceSettings(kafka=kafka, postgres=PostgresSettings(dsn=SecretStr(given["dsn"])))

    @asynccontextmanager
    async def wire(floor: Floor) -> AsyncIterator[Wiring]:
        await floor.pool.execute("CREATE TABLE IF NOT EXISTS bench (eval_id uuid PRIMARY KEY, dataset text NOT NULL)")

        async def handle(event: Received[Any]) -> None:
            request = event.data
            async with floor.effects.once(event) as effect:
                await effect.connection.execute("INSERT INTO bench VALUES ($1, $2)", request.eval_id, request.dataset)
                await effect.publish(FeedbackReceivedV1(feedback_id=uuid4(), answer_id=request.eval_id, rating="up"))

        yield Wiring({EVAL_REQUESTED: {EvalRequestedV1: handle}}, together=int(given["together"]))

    async with make_worker("evaluator", settings, wire).start_lifespan_context():
        await _stopped()


async def faststream(given: Given) -> None:
    """The handler of FastStream's documentation, with the policy that loses nothing."""
    broker = KafkaBroker(given["kafka"], acks="all", logger=None)

    @broker.subscriber(EVAL_REQUESTED.name, group_id="bench", auto_offset_reset="earliest", ack_policy=AckPolicy.NACK_ON_ERROR)
    @broker.publisher(topic_of("faststream"))
    async def handle(request: dict[str, Any]) -> dict[str, Any]:
        return request

    async with broker:
        await broker.start()
        await _stopped()


async def aiokafka(given: Given) -> None:
    """As fast as the library goes."""
    consumer = AIOKafkaConsumer(
        EVAL_REQUESTED.name,
        bootstrap_servers=given["kafka"],
        group_id="bench-raw",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        session_timeout_ms=2_000,
        heartbeat_interval_ms=600,
    )
    async with AIOKafkaProducer(bootstrap_servers=given["kafka"], acks="all", linger_ms=5) as producer, consumer:
        stopped = asyncio.create_task(_stopped())
        while not stopped.done():
            for records in (await consumer.getmany(timeout_ms=200, max_records=TOGETHER)).values():
                sent = [await producer.send(topic_of("aiokafka"), record.value, record.key) for record in records]
                await asyncio.gather(*sent)
                await consumer.commit()


async def _stopped() -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()


if __name__ == "__main__":
    configure_logs("WARNING")
    asyncio.run({"worker": worker, "faststream": faststream, "aiokafka": aiokafka}[sys.argv[1]](json.loads(sys.argv[2])))
