"""A worker: a service that only consumes. Runs as an ASGI app, so that whoever runs it can ask for its health."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from random import Random

from faststream.asgi import AsgiFastStream

from contracts.base import Event
from contracts.topics import Topic
from kit.broker import make_broker
from kit.ceiling import Ceiling
from kit.consume import Member, drain_s, subscribe
from kit.delivery import Delivery, GiveUp, Handler
from kit.floor import Floor, Job, open_floor, running
from kit.health import Health, worker_routes
from kit.patience import require_patience
from kit.route import Route
from kit.settings import KafkaSettings, ServiceSettings


@dataclass(frozen=True, slots=True)
class Wiring:
    """What a service does: which handler takes which event of which topic, and what it does beside.

    Up to `together` records may have their effects in one transaction: for handlers that do nothing but write to it, and briefly. Records
    of the topics that are `apart` have a consumer of their own, so that no others wait for them.
    """

    handlers: Mapping[Topic, Mapping[type[Event], Handler]]
    jobs: Sequence[Job] = field(default=())
    given_up: Mapping[type[Event], GiveUp] = field(default_factory=dict)
    together: int = 1
    apart: frozenset[Topic] = frozenset()


Wire = Callable[[Floor], AbstractAsyncContextManager[Wiring]]


def make_worker(service: str, settings: ServiceSettings, wire: Wire) -> AsgiFastStream:
    """An app that, while its lifespan lasts, consumes as `wire` says; the consumer group is the service's name."""
    require_patience(settings.kafka)
    broker = make_broker(settings.kafka, service)
    health = Health(service)

    @asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        async with open_floor(settings, health) as floor, wire(floor) as wiring, running(wiring.jobs):
            subscribe(broker, settings.kafka, health, list(_members(floor, settings.kafka, wiring)), wiring.together)
            yield

    return AsgiFastStream(broker, lifespan=lifespan, asgi_routes=worker_routes(health), logger=None)


def _members(floor: Floor, kafka: KafkaSettings, wiring: Wiring) -> Iterator[Member]:
    """Two at most, which join at once: see `kit/broker.py`."""
    for topics in (wiring.handlers.keys() - wiring.apart, wiring.handlers.keys() & wiring.apart):
        if topics:
            deliveries = [_delivery(floor, kafka, wiring, topic) for topic in wiring.handlers if topic in topics]
            yield Member(floor.service, deliveries, drain_s(kafka), floor.clock, floor.failpoints)


def _delivery(floor: Floor, kafka: KafkaSettings, wiring: Wiring, topic: Topic) -> Delivery:
    return Delivery(
        route=Route(topic, floor.service, kafka.retry_delays_s),
        handlers=wiring.handlers[topic],
        refuse_if_handled=floor.effects.refuse_if_handled,
        forwarder=floor.publisher,
        clock=floor.clock,
        chance=Random(),  # noqa: S311
        timeout_s=kafka.handler_timeout_ms / 1000,
        ceiling=Ceiling(kafka.ceiling_in_a_row, kafka.ceiling_share),
        given_up=wiring.given_up,
        share=floor.effects.together if wiring.together > 1 else None,
    )
