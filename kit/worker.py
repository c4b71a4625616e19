"""A worker: a service that only consumes. Runs as an ASGI app, so that whoever runs it can ask for its health."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from random import Random

from aiokafka import ConsumerRecord
from faststream import AckPolicy
from faststream.asgi import AsgiFastStream
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaMessage

from contracts.base import Event
from contracts.topics import Topic
from kit.broker import make_broker
from kit.delivery import Delivery, Handler
from kit.floor import Floor, Job, open_floor, running
from kit.health import Health, worker_routes
from kit.settings import KafkaSettings, ServiceSettings


@dataclass(frozen=True, slots=True)
class Wiring:
    """What a service does: which handler takes which event of which topic, and what it does beside."""

    handlers: Mapping[Topic, Mapping[type[Event], Handler]]
    jobs: Sequence[Job] = field(default=())


Wire = Callable[[Floor], AbstractAsyncContextManager[Wiring]]


def make_worker(service: str, settings: ServiceSettings, wire: Wire) -> AsgiFastStream:
    """An app that, while its lifespan lasts, consumes as `wire` says; the consumer group is the service's name."""
    broker = make_broker(settings.kafka, service)
    health = Health(service)

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        async with open_floor(settings, health) as floor, wire(floor) as wiring, running(wiring.jobs):
            _subscribe(broker, settings.kafka, floor, wiring.handlers)
            yield

    return AsgiFastStream(broker, lifespan=lifespan, asgi_routes=worker_routes(health), logger=None)


def _subscribe(broker: KafkaBroker, kafka: KafkaSettings, floor: Floor, handlers: Mapping[Topic, Mapping[type[Event], Handler]]) -> None:
    """One consumer for all topics of the service: each further member of the group would start with a rebalance of the others."""
    deliveries = {
        topic.name: Delivery(topic, floor.service, of_type, floor.effects.refuse_if_handled, floor.publisher, floor.clock, Random())  # noqa: S311
        for topic, of_type in handlers.items()
    }

    async def deliver(message: KafkaMessage) -> None:
        record: ConsumerRecord = message.raw_message
        await deliveries[record.topic](message)

    subscriber = broker.subscriber(
        *deliveries,
        group_id=floor.service,
        auto_offset_reset="earliest",
        ack_policy=AckPolicy.NACK_ON_ERROR,
        max_poll_interval_ms=kafka.max_poll_interval_ms,
        rebalance_timeout_ms=kafka.rebalance_timeout_ms,
        session_timeout_ms=kafka.session_timeout_ms,
        heartbeat_interval_ms=min(3_000, kafka.session_timeout_ms // 3),
    )
    subscriber(deliver)
