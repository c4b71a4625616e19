"""The broker as this project uses it: records in bytes, acknowledged by every replica, and a parser that cannot raise."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from aiokafka import AIOKafkaProducer, ConsumerRecord
from aiokafka.errors import KafkaError
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaMessage

from contracts.codec import Record
from kit.errors import DependencyDown
from kit.settings import KafkaSettings

MAX_RECORD_BYTES = 1_000_000
GRACE_S = 120.0


def make_broker(settings: KafkaSettings, service: str) -> KafkaBroker:
    """A broker to consume from. What it hands to a handler is the whole message, undecoded: delivery decides what is broken."""
    return KafkaBroker(
        settings.bootstrap_servers,
        client_id=f"workbench-{service}",
        allow_auto_create_topics=False,
        consumer_only=True,
        graceful_timeout=GRACE_S,
        apply_types=False,
        parser=_parse,
        decoder=_keep_whole,
        logger=logging.getLogger("kit.faststream"),
    )


async def _parse(record: ConsumerRecord, original: Callable[[ConsumerRecord], Awaitable[KafkaMessage]]) -> KafkaMessage:
    """FastStream's parser fails on null or non-UTF-8 headers before any policy applies, and the record is lost: it sees none of them."""
    message = await original(replace(record, headers=()))
    message.raw_message = record
    return message


async def _keep_whole(message: KafkaMessage) -> KafkaMessage:
    return message


class KafkaPublisher:
    """Publishes records and waits until all replicas have them."""

    def __init__(self, producer: AIOKafkaProducer) -> None:
        self._producer = producer

    async def publish(self, records: Sequence[Record]) -> int:
        """Sends records in order; returns how many, from the first on, were acknowledged. The rest must be sent again."""
        sent = []
        try:
            for record in records:
                sent.append(await self._producer.send(record.topic, record.value, record.key, headers=list(record.headers)))
        except KafkaError:
            if not sent:
                return 0
        return await _acknowledged(sent)

    async def forward(self, topic: str, record: ConsumerRecord, headers: Sequence[tuple[str, bytes | None]]) -> None:
        """Copies key and value of a consumed record to `topic`, byte for byte, with `headers`. Raises DependencyDown."""
        try:
            await self._producer.send_and_wait(topic, record.value, record.key, headers=list(headers))
        except KafkaError as error:
            raise DependencyDown("broker_down", f"{topic} does not take records: {error!r}") from error

    async def ping(self) -> None:
        """Raises DependencyDown if the broker does not answer."""
        try:
            await self._producer.client.fetch_all_metadata()
        except KafkaError as error:
            raise DependencyDown("broker_down", f"the broker does not answer: {error!r}") from error


async def _acknowledged(sent: Sequence[Any]) -> int:
    for count, future in enumerate(sent):
        try:
            await future
        except KafkaError:
            return count
    return len(sent)


@asynccontextmanager
async def open_publisher(settings: KafkaSettings, service: str) -> AsyncIterator[KafkaPublisher]:
    """Yields a publisher. Raises DependencyDown if the broker does not answer."""
    producer = AIOKafkaProducer(
        bootstrap_servers=settings.bootstrap_servers,
        client_id=f"workbench-{service}",
        acks="all",
        enable_idempotence=settings.idempotent,
        linger_ms=5,
        max_request_size=MAX_RECORD_BYTES,
    )
    try:
        await producer.start()
    except KafkaError as error:
        await producer.stop()
        raise DependencyDown("broker_down", f"no broker answers at {settings.bootstrap_servers}: {error!r}") from error
    try:
        yield KafkaPublisher(producer)
    finally:
        await producer.stop()
