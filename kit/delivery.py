"""Delivery: what happens to a record from the broker until its offset is committed. The only place with such policy.

    handled (or handled before)   its effect is committed -> commit the offset
    Permanent                     dead letter topic at once -> commit
    Transient, or unforeseen      three tries with jitter, then the retry topics one after another, then the dead letter topic -> commit
    DependencyDown                hold the partition: wait a little, read the record again; never the dead letter topic
    too many dead letters         stop the consumer; the record stays where it is

An offset is committed only after the effect, or the record's copy, is durable, so a crash anywhere delivers the record again, and the
inbox makes the second delivery do nothing.

Where a service allows it, records that come together have their effects in one transaction. If anything at all is wrong with that, fewer
of them are tried together, and in the end each on its own: the table above is about one record and its own transaction.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol

import structlog
from aiokafka import ConsumerRecord
from opentelemetry.trace import SpanKind

from contracts.base import Event
from contracts.codec import Received, decode
from contracts.errors import ContractViolation
from kit.ceiling import Ceiling
from kit.clock import Clock
from kit.errors import DependencyDown, Permanent, Rejected, Transient, WorkbenchError
from kit.failure import classify
from kit.inbox import AlreadyHandled
from kit.metrics import DEPENDENCY_HELD, EVENT_SECONDS, EVENTS
from kit.route import Headers, Route
from kit.tracing import span

log = structlog.get_logger(__name__)

Handler = Callable[[Received[Any]], Awaitable[None]]
GiveUp = Callable[[Received[Any], WorkbenchError], Awaitable[None]]
Share = Callable[[Sequence[Received[Any]]], AbstractAsyncContextManager[Sequence[Received[Any]]]]

TRIES = 3
BACK_OFF_S = 0.2
TOGETHER_S = 5.0
GIVE_UP_S = 5.0
HOLD_S = 5.0
WAIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Again:
    """The record is not done: read it again after so many seconds, at most 60."""

    after_s: float


class Forwarder(Protocol):
    """Whoever copies records to other topics."""

    async def forward(self, topic: str, record: ConsumerRecord, headers: Headers) -> None:
        """Copies key and value of `record` to `topic` with `headers`; returns when all replicas have it. Raises DependencyDown."""
        ...


@dataclass(frozen=True)
class Delivery:
    """Takes the records of one route to the handlers of their event types.

    `refuse_if_handled` raises AlreadyHandled for an event whose effect is committed: it saves the work, the handler's own transaction
    decides. A handler may take `timeout_s`. `given_up` is told of an event before it goes to the dead letters, unless it was Rejected or
    had its effect before. `share` opens a transaction for several events and gives those that have not had their effect; without it each
    has its own.
    """

    route: Route
    handlers: Mapping[type[Event], Handler]
    refuse_if_handled: Handler
    forwarder: Forwarder
    clock: Clock
    chance: Random
    timeout_s: float = 120.0
    ceiling: Ceiling = field(default_factory=Ceiling)
    given_up: Mapping[type[Event], GiveUp] = field(default_factory=dict)
    share: Share | None = None

    async def process_first(self, records: Sequence[ConsumerRecord]) -> Again | int:
        """Processes the first of a partition's records, or as many as can share a transaction; gives their number. Raises as `process`."""
        began = self.clock.monotonic()
        ready = self._ready(records) if self.share else []
        while len(ready) > 1 and self.clock.monotonic() - began < TOGETHER_S:
            failure = await self._together(ready)
            if failure is None:
                return len(ready)
            log.info("events.parted", topic=self.route.topic.name, together=len(ready), code=failure.code, reason=failure.message)
            ready = ready[: 1 if isinstance(failure, DependencyDown) else len(ready) // 2]
        again = await self.process(records[0])
        return 1 if again is None else again

    async def process(self, record: ConsumerRecord) -> Again | None:
        """Returns None when the record is done and its offset may be committed. Raises CeilingReached when the consumer must stop."""
        early = self.route.due_in(record, self.clock.now())
        if early > 0:
            return Again(min(early, WAIT_S))
        if self.route.is_for_others(record):
            self._done("skipped")
            return None
        with EVENT_SECONDS.labels(self.route.topic.name, self.route.group).time():
            failure, tries = await self._attempts(record)
        if failure is None:
            self.ceiling.handled()
            self._done("handled")
            return None
        if isinstance(failure, DependencyDown):
            return self._hold(failure)
        return await self._forward(record, failure, tries)

    def _ready(self, records: Sequence[ConsumerRecord]) -> list[Received[Any]]:
        """The events of the first records, none twice, as far as there is nothing to say of them but that they should be handled."""
        ready: list[Received[Any]] = []
        ids: set[tuple[str, str]] = set()
        for record in records:
            if self.route.due_in(record, self.clock.now()) > 0 or self.route.is_for_others(record):
                break
            try:
                event = decode(self.route.sent(record), record.value, asked=self.handlers)
            except ContractViolation:
                break
            name = (event.envelope.source, event.envelope.id)
            if type(event.data) not in self.handlers or name in ids:
                break
            ids.add(name)
            ready.append(event)
        return ready

    async def _together(self, events: Sequence[Received[Any]]) -> WorkbenchError | None:
        """All their effects in one transaction, or none and why. Whoever it is the fault of, each gets its kind when it is alone."""
        began = self.clock.monotonic()
        repeated = 0

        async def share() -> None:
            nonlocal repeated
            assert self.share is not None  # noqa: S101 - nothing is ready without it
            async with self.share(events) as fresh:
                for event in fresh:
                    await self._handle(event)
            repeated = len(events) - len(fresh)

        try:
            failure = await self._failure(share(), TOGETHER_S)
        except AlreadyHandled as known:
            failure = Transient("event_repeated", f"another member handled {known} meanwhile")
        if failure is not None:
            return failure
        took_s = (self.clock.monotonic() - began) / len(events)
        for _ in events:
            self.ceiling.handled()
            EVENT_SECONDS.labels(self.route.topic.name, self.route.group).observe(took_s)
        self._count("repeated", repeated)
        self._done("handled", len(events) - repeated)
        return None

    async def _attempts(self, record: ConsumerRecord) -> tuple[WorkbenchError | None, int]:
        for attempt in range(1, TRIES + 1):
            failure = await self._try(record)
            if not isinstance(failure, Transient) or attempt == TRIES:
                break
            log.warning("event.retried", attempt=attempt, code=failure.code, reason=failure.message)
            await self.clock.sleep(BACK_OFF_S * 2**attempt * self.chance.uniform(0.5, 1.5))
        return failure, attempt

    async def _try(self, record: ConsumerRecord) -> WorkbenchError | None:
        try:
            failure = await self._failure(self._alone(record), self.timeout_s)
        except AlreadyHandled as known:
            self._count("repeated")
            log.info("event.repeated", event_id=str(known), topic=record.topic, partition=record.partition, offset=record.offset)
            return None
        if isinstance(failure, Transient):
            place = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
            log.error("event.failed", code=failure.code, **place, exc_info=failure.__cause__ or failure)
        return failure

    @staticmethod
    async def _failure(work: Awaitable[None], within_s: float) -> WorkbenchError | None:
        """None if `work` is done; else of which kind its failure is. Raises AlreadyHandled."""
        limit = asyncio.timeout(within_s)
        try:
            async with limit:
                await work
        except AlreadyHandled:
            raise
        except Exception as error:  # noqa: BLE001 - the one place where every failure gets its kind
            failure = Transient("handler_timeout", f"it took over {within_s:g} s") if limit.expired() else classify(error)
            failure.__cause__ = failure.__cause__ or (None if failure is error else error)
            return failure
        return None

    async def _alone(self, record: ConsumerRecord) -> None:
        await self._handle(decode(self.route.sent(record), record.value, asked=self.handlers), self.refuse_if_handled)

    async def _handle(self, event: Received[Event], unless: Handler | None = None) -> None:
        handler = self.handlers.get(type(event.data))
        if handler is None:
            raise ContractViolation("type_misplaced", f"{event.data.TYPE} does not belong on {self.route.topic.name}")
        envelope = event.envelope
        with (
            structlog.contextvars.bound_contextvars(event_id=envelope.id, correlation_id=envelope.correlation_id),
            span(f"process {self.route.topic.name}", SpanKind.CONSUMER, envelope.traceparent),
        ):
            if unless is not None:
                await unless(event)
            await handler(event)

    async def _forward(self, record: ConsumerRecord, failure: WorkbenchError, tries: int) -> Again | None:
        topic = self.route.dead_letters if isinstance(failure, Permanent) else self.route.after(record.topic)
        counts = topic == self.route.dead_letters and not isinstance(failure, Rejected)
        if counts:
            self.ceiling.require_room()
        try:
            if counts:
                await self._give_up(record, failure)
            await self.forwarder.forward(topic, record, self.route.forwarded(record, failure, tries, self.clock.now()))
        except DependencyDown as down:
            return self._hold(down)
        if counts:
            self.ceiling.dead_letter()
        log.error("event.forwarded", to=topic, partition=record.partition, offset=record.offset, code=failure.code, reason=failure.message)
        self._done("dead_lettered" if topic == self.route.dead_letters else "put_off")
        return None

    async def _give_up(self, record: ConsumerRecord, failure: WorkbenchError) -> None:
        """Raises DependencyDown if it cannot be noted now; what can never be noted, as of a record that nobody can read, is not."""
        try:
            refusal = await self._failure(self._tell_given_up(record, failure), GIVE_UP_S)
        except AlreadyHandled:
            return
        if isinstance(refusal, Permanent):
            log.error("event.not_given_up", partition=record.partition, offset=record.offset, code=refusal.code, reason=refusal.message)
        elif refusal is not None:
            raise DependencyDown("not_given_up", f"that the event is given up cannot be noted: {refusal}") from refusal

    async def _tell_given_up(self, record: ConsumerRecord, failure: WorkbenchError) -> None:
        event = decode(self.route.sent(record), record.value, asked=self.handlers)
        given_up = self.given_up.get(type(event.data))
        if given_up is not None:
            await self.refuse_if_handled(event)
            await given_up(event, failure)

    def _hold(self, failure: DependencyDown) -> Again:
        self._count("held")
        DEPENDENCY_HELD.labels(self.route.topic.name, self.route.group).set(1)
        log.warning("consumer.held", topic=self.route.topic.name, group=self.route.group, code=failure.code, reason=failure.message)
        return Again(HOLD_S * self.chance.uniform(0.2, 1))

    def _done(self, outcome: str, times: int = 1) -> None:
        DEPENDENCY_HELD.labels(self.route.topic.name, self.route.group).set(0)
        self._count(outcome, times)

    def _count(self, outcome: str, times: int = 1) -> None:
        EVENTS.labels(self.route.topic.name, self.route.group, outcome).inc(times)
