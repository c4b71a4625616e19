"""Records of any bytes into every topic a group reads: each has its effect or is a dead letter byte for byte, and nothing raises."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import pytest
from aiokafka import ConsumerRecord

from contracts.codec import Received, Record
from contracts.topics import TOPICS
from kit.ceiling import Ceiling
from kit.clock import SystemClock
from kit.delivery import Delivery
from kit.route import Headers, Route
from tests.chaos.junk import junk
from tests.events import consumed

pytestmark = pytest.mark.usefixtures("quiet")

ROUTES = [Route(topic, reader) for topic in TOPICS for reader in topic.readers]
COUNT = 1_200
ADDED_AT_MOST = 4_096

every_route = pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.topic.name}-{route.group}")


@dataclass
class Bench:
    """A delivery that no number of dead letters stops, whose handlers take all they get."""

    route: Route
    handled: list[Received[Any]] = field(default_factory=list)
    forwarded: list[tuple[str, ConsumerRecord[Any, Any]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        handlers = dict.fromkeys(self.route.topic.events, self.handle)
        ceiling = Ceiling(in_a_row=COUNT + 1, share=2)
        self.delivery = Delivery(self.route, handlers, self.refuse_if_handled, self, SystemClock(), Random(0), ceiling=ceiling)

    async def handle(self, event: Received[Any]) -> None:
        """The handler."""
        self.handled.append(event)

    async def refuse_if_handled(self, event: Received[Any]) -> None:
        """The inbox; it has seen nothing."""

    async def forward(self, topic: str, record: ConsumerRecord[Any, Any], headers: Headers) -> None:
        """The producer."""
        self.forwarded.append((topic, replace(record, headers=tuple(headers))))


def records(topic: str, route: Route) -> Iterator[ConsumerRecord[Any, Any]]:
    """Junk as a consumer of `topic` gets it."""
    for offset, bad in enumerate(junk(route.topic, COUNT, seed=ROUTES.index(route))):
        yield consumed(Record(topic, b"", b"", ()), key=bad.key, value=bad.value, headers=bad.headers, offset=offset)


async def assert_each_is_accounted_for(bench: Bench, topic: str) -> None:
    """Handled, or in the dead letter topic as it was; and both happened."""
    for record in records(topic, bench.route):
        before = len(bench.handled), len(bench.forwarded)
        assert await bench.delivery.process(record) is None
        if len(bench.handled) == before[0] + 1 and len(bench.forwarded) == before[1]:
            continue
        to, dead = bench.forwarded[-1]
        assert (len(bench.handled), len(bench.forwarded), to) == (before[0], before[1] + 1, bench.route.dead_letters)
        assert (dead.key, dead.value, dead.headers[: len(record.headers)]) == (record.key, record.value, record.headers)
    assert bench.handled
    assert len(bench.forwarded) > COUNT / 2


@every_route
async def test_junk_on_a_topic_is_handled_or_dead_lettered(route: Route) -> None:
    """Byte for byte, at once, and nothing raises."""
    await assert_each_is_accounted_for(Bench(route), route.topic.name)


@every_route
@pytest.mark.parametrize("stage", [0, 1])
async def test_junk_on_a_retry_topic_is_handled_or_dead_lettered(route: Route, stage: int) -> None:
    """Nobody but us should write there; who does all the same stops nothing and loses nothing."""
    await assert_each_is_accounted_for(Bench(route), route.waiting[stage])


@pytest.mark.parametrize("name", ["ce_type", "ce_time"])
async def test_what_a_dead_letter_gets_is_small(name: str) -> None:
    """However long a header is that the reason quotes; a copy the broker refuses for its size would hold its partition for ever."""
    bench = Bench(ROUTES[0])
    headers = {"ce_id": b"1", "ce_source": b"t", "ce_type": b"t", name: b"\x01" * 200_000}

    await bench.delivery.process(consumed(Record(ROUTES[0].topic.name, b"k", b"{}", ()), headers=tuple(headers.items())))

    [(_, dead)] = bench.forwarded
    assert sum(len(value or b"") for _, value in dead.headers[len(headers) :]) < ADDED_AT_MOST
