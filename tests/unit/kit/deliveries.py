"""A delivery that a test makes fail."""

import asyncio
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any
from uuid import uuid4

from aiokafka import ConsumerRecord

from contracts.base import Event
from contracts.codec import Received
from contracts.evals import EvalRequestedV1
from contracts.topics import EVAL_REQUESTED
from kit.ceiling import Ceiling
from kit.clock import FakeClock
from kit.delivery import Delivery
from kit.errors import DependencyDown, WorkbenchError
from kit.inbox import AlreadyHandled
from kit.route import Headers, Route
from tests.events import NOW

ROUTE = Route(EVAL_REQUESTED, "evaluator")
EVENT = EvalRequestedV1(eval_id=uuid4(), dataset="handbook", candidate="b")


@dataclass
class Bench:
    """A delivery with a handler that fails as told, once for each error; `forwarded` lists what went to which topic."""

    failures: list[Exception] = field(default_factory=list)
    broker_is_down: bool = False
    handled: list[Received[Any]] = field(default_factory=list)
    forwarded: list[tuple[str, ConsumerRecord[Any, Any]]] = field(default_factory=list)
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOW))
    timeout_s: float = 60.0
    hangs: bool = False
    refuses_to_give_up: list[Exception] = field(default_factory=list)

    def __post_init__(self) -> None:
        handlers = {EvalRequestedV1: self.handle}
        self.given_up: list[tuple[Event, str]] = []
        given_up = {EvalRequestedV1: self.give_up}
        self.delivery = Delivery(ROUTE, handlers, self.refuse_if_handled, self, self.clock, Random(0), self.timeout_s, Ceiling(), given_up)

    async def give_up(self, event: Received[Any], failure: WorkbenchError) -> None:
        """What the service does with an event that nobody will try again."""
        if self.refuses_to_give_up:
            raise self.refuses_to_give_up.pop(0)
        self.given_up.append((event.data, failure.code))

    async def handle(self, event: Received[Any]) -> None:
        """The handler."""
        if self.hangs:
            await asyncio.sleep(60)
        if self.failures:
            raise self.failures.pop(0)
        self.handled.append(event)

    async def refuse_if_handled(self, event: Received[Any]) -> None:
        """The inbox."""
        if any(event.envelope.id == earlier.envelope.id for earlier in self.handled):
            raise AlreadyHandled

    async def forward(self, topic: str, record: ConsumerRecord[Any, Any], headers: Headers) -> None:
        """The broker: what a reader of `topic` would get."""
        if self.broker_is_down:
            raise DependencyDown("broker_down", "away")
        stamp = int(self.clock.now().timestamp() * 1000)
        self.forwarded.append((topic, replace(record, topic=topic, headers=tuple(headers), timestamp=stamp, offset=0)))

    @property
    def last(self) -> tuple[str, dict[str, bytes | None]]:
        """Where the last record went, and its headers."""
        topic, record = self.forwarded[-1]
        return topic, dict(record.headers)
