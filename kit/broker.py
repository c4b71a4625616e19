"""The broker as this project uses it: records in bytes, acknowledged by every replica, and a parser that cannot raise."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

import structlog
from aiokafka import AIOKafkaProducer, ConsumerRecord
from aiokafka.errors import KafkaError, OutOfOrderSequenceNumber
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaMessage

from contracts.codec import Record
from kit.errors import DependencyDown
from kit.settings import KafkaSettings

# Twice what brokers take from others by default, so that whatever came in can go to a dead letter topic with its reason.
MAX_RECORD_BYTES = 2 * 1024 * 1024
GRACE_S = 120.0
# aiokafka never gives an idempotent batch up by itself.
PUBLISH_S = 30.0
STOP_S = 10.0

log = structlog.get_logger(__name__)


def make_broker(settings: KafkaSettings, service: str) -> KafkaBroker:
    """A broker to consume batches from. A handler is given the whole message, undecoded: delivery decides what is broken."""
    return _Broker(
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


class _Broker(KafkaBroker):
    """Its consumers join at once: FastStream's own join one after another, and each one that comes later makes the earlier ones pause."""

    async def start(self) -> None:
        await self.connect()
        joining = [asyncio.ensure_future(subscriber.start()) for subscriber in self.subscribers]
        try:
            await asyncio.gather(*joining)
        finally:  # where one failed none may join on, and then be stopped by nobody
            for task in joining:
                task.cancel()
            await asyncio.gather(*joining, return_exceptions=True)
        self.running = True


Batch = tuple[ConsumerRecord, ...]


async def _parse(records: Batch, original: Callable[[Batch], Awaitable[KafkaMessage]]) -> KafkaMessage:
    """FastStream's parser fails on null or non-UTF-8 headers before any policy applies, and the records are lost: it sees none of them."""
    message = await original((replace(records[0], headers=()),))
    message.raw_message = records
    return message


async def _keep_whole(message: KafkaMessage) -> KafkaMessage:
    return message


class KafkaPublisher:
    """Publishes records and waits until all replicas have them; `make` gives a producer that is not started."""

    def __init__(self, make: Callable[[], AIOKafkaProducer]) -> None:
        self._make = make
        self._renewing = asyncio.Lock()
        self._producer = make()

    async def start(self) -> None:
        """Raises KafkaError if no broker answers."""
        await _started(self._producer)

    async def stop(self) -> None:
        """Flushes and closes."""
        await _stop(self._producer)

    async def publish(self, records: Sequence[Record]) -> int:
        """Sends records in order; returns how many, from the first on, were acknowledged. The rest must be sent again."""
        acknowledged, producer = 0, self._producer
        try:
            async with asyncio.timeout(PUBLISH_S), self._renewed(producer):
                sent = [await producer.send(one.topic, one.value, one.key, headers=list(one.headers)) for one in records]
                for future in sent:
                    await asyncio.shield(future)
                    acknowledged += 1
        except (KafkaError, TimeoutError) as error:
            log.warning("records.not_published", acknowledged=acknowledged, of=len(records), reason=repr(error))
        return acknowledged

    async def forward(self, topic: str, record: ConsumerRecord, headers: Sequence[tuple[str, bytes | None]]) -> None:
        """Copies key and value of a consumed record to `topic`, byte for byte, with `headers`. Raises DependencyDown."""
        producer = self._producer
        try:
            async with asyncio.timeout(PUBLISH_S), self._renewed(producer):
                await asyncio.shield(await producer.send(topic, record.value, record.key, headers=list(headers)))
        except (KafkaError, TimeoutError) as error:
            raise DependencyDown("broker_down", f"{topic} does not take records: {error!r}") from error

    @asynccontextmanager
    async def _renewed(self, used: AIOKafkaProducer) -> AsyncIterator[None]:
        """Takes another producer in place of one that left a gap: aiokafka counts a record that the broker refused as sent, and from then
        on every record to that partition is out of order.
        """
        try:
            yield
        except OutOfOrderSequenceNumber:
            async with self._renewing:
                if used is self._producer:
                    self._producer = await _started(self._make())
                    await _stop(used)
            raise

    async def ping(self) -> None:
        """Raises DependencyDown if the broker does not answer."""
        try:
            await self._producer.client.fetch_all_metadata()
        except KafkaError as error:
            raise DependencyDown("broker_down", f"the broker does not answer: {error!r}") from error


@asynccontextmanager
async def open_publisher(settings: KafkaSettings, service: str) -> AsyncIterator[KafkaPublisher]:
    """Yields a publisher. Raises DependencyDown if the broker does not answer."""
    publisher = KafkaPublisher(
        partial(
            AIOKafkaProducer,
            bootstrap_servers=settings.bootstrap_servers,
            client_id=f"workbench-{service}",
            acks="all",
            enable_idempotence=settings.idempotent,
            linger_ms=5,
            max_request_size=MAX_RECORD_BYTES,
        )
    )
    try:
        await publisher.start()
    except KafkaError as error:
        raise DependencyDown("broker_down", f"no broker answers at {settings.bootstrap_servers}: {error!r}") from error
    try:
        yield publisher
    finally:
        await publisher.stop()


async def _started(producer: AIOKafkaProducer) -> AIOKafkaProducer:
    try:
        await producer.start()
    except KafkaError:
        await _stop(producer)
        raise
    return producer


async def _stop(producer: AIOKafkaProducer) -> None:
    """Flushes and closes; a broker that is away must not keep a service from stopping, since what it did not take is in the outbox."""
    try:
        await asyncio.wait_for(producer.stop(), STOP_S)
    except TimeoutError:
        log.warning("producer.not_flushed", within_s=STOP_S)
