"""Delivery: what happens to a record from the broker until its offset is committed. The only place with such policy.

    handled (or handled before)   its effect is committed -> commit the offset
    Permanent                     dead letter topic at once -> commit
    Transient, or unknown         up to three tries with jitter, then the dead letter topic -> commit
    DependencyDown                hold the partition: wait, put the record back, read it again; never the dead letter topic

An offset is committed only after the effect or the dead letter is durable, so a crash anywhere delivers the record again,
and the inbox makes the second delivery do nothing.
"""

from collections.abc import Awaitable, Callable, Mapping
from random import Random
from typing import Any, Protocol

import structlog
from aiokafka import ConsumerRecord
from faststream.exceptions import AckMessage, NackMessage
from faststream.kafka.message import KafkaMessage
from opentelemetry.trace import SpanKind

from contracts.base import Event
from contracts.codec import Received, decode
from contracts.errors import ContractViolation
from contracts.topics import Topic, dead_letter_topic
from kit.clock import Clock
from kit.errors import DependencyDown, Permanent, Transient, WorkbenchError
from kit.inbox import AlreadyHandled
from kit.metrics import DEPENDENCY_HELD, EVENT_SECONDS, EVENTS
from kit.postgres import translated
from kit.tracing import span

log = structlog.get_logger(__name__)

Handler = Callable[[Received[Any]], Awaitable[None]]

TRIES = 3
BACK_OFF_S = 0.2
HOLD_S = 5.0


class DeadLetters(Protocol):
    """Whoever keeps records that cannot be handled."""

    async def forward(self, topic: str, record: ConsumerRecord, headers: list[tuple[str, bytes]]) -> None:
        """Copies `record` to `topic` byte for byte, with `headers` added. Raises DependencyDown."""
        ...


def classify(error: Exception) -> WorkbenchError:
    """Gives any error one of the three kinds of `kit.errors`. What nobody foresaw counts as transient: it is tried, then kept."""
    if isinstance(error, WorkbenchError):
        return error
    if isinstance(error, ContractViolation):
        return Permanent(error.code, str(error))
    return translated(error) or Transient("unexpected", f"{type(error).__name__}: {error}")


class Delivery:
    """Takes the records of one topic for one consumer group to the handlers of their event types.

    `refuse_if_handled` raises AlreadyHandled for an event whose effect is committed: it saves the work, the handler's own transaction
    decides.
    """

    def __init__(
        self,
        topic: Topic,
        group: str,
        handlers: Mapping[type[Event], Handler],
        refuse_if_handled: Handler,
        dead_letters: DeadLetters,
        clock: Clock,
        chance: Random,
    ) -> None:
        self._topic = topic
        self._group = group
        self._handlers = handlers
        self._refuse_if_handled = refuse_if_handled
        self._dead_letters = dead_letters
        self._clock = clock
        self._chance = chance

    async def __call__(self, message: KafkaMessage) -> None:
        """Returns, raises AckMessage or raises NackMessage: FastStream commits after the first two and reads again after the third."""
        record = message.raw_message
        with EVENT_SECONDS.labels(self._topic.name, self._group).time():
            failure = await self._attempts(record)
        if failure is None:
            return
        if isinstance(failure, DependencyDown):
            await self._hold(failure)
        await self._bury(record, failure)

    async def _attempts(self, record: ConsumerRecord) -> WorkbenchError | None:
        for attempt in range(1, TRIES + 1):
            failure = await self._try(record)
            if not isinstance(failure, Transient) or attempt == TRIES:
                break
            log.warning("event.retried", attempt=attempt, code=failure.code, reason=failure.message)
            await self._clock.sleep(BACK_OFF_S * 2**attempt * self._chance.uniform(0.5, 1.5))
        return failure

    async def _try(self, record: ConsumerRecord) -> WorkbenchError | None:
        try:
            await self._handle(decode(record.headers, record.value))
        except AlreadyHandled:
            self._count("repeated")
        except Exception as error:  # the one place where every failure gets its kind
            failure = classify(error)
            if isinstance(failure, Transient):
                log.exception("event.failed", code=failure.code, topic=record.topic, partition=record.partition, offset=record.offset)
            return failure
        return None

    async def _handle(self, event: Received[Event]) -> None:
        handler = self._handlers.get(type(event.data))
        if handler is None:
            raise ContractViolation("type_misplaced", f"{event.data.TYPE} does not belong on {self._topic.name}")
        envelope = event.envelope
        with (
            structlog.contextvars.bound_contextvars(event_id=envelope.id, correlation_id=envelope.correlation_id),
            span(f"process {self._topic.name}", SpanKind.CONSUMER, envelope.traceparent),
        ):
            await self._refuse_if_handled(event)
            await handler(event)
        self._count("handled")

    async def _hold(self, failure: DependencyDown) -> None:
        held = DEPENDENCY_HELD.labels(self._topic.name, self._group)
        held.set(1)
        self._count("held")
        log.warning("consumer.held", topic=self._topic.name, group=self._group, code=failure.code, reason=failure.message)
        await self._clock.sleep(HOLD_S * self._chance.uniform(0.2, 1))
        held.set(0)
        raise NackMessage

    async def _bury(self, record: ConsumerRecord, failure: WorkbenchError) -> None:
        topic = dead_letter_topic(self._topic.name, self._group)
        try:
            await self._dead_letters.forward(topic, record, _reason(record, failure))
        except DependencyDown as down:
            await self._hold(down)
        self._count("dead_lettered")
        log.error(
            "event.dead_lettered", dlq=topic, partition=record.partition, offset=record.offset, code=failure.code, reason=failure.message
        )
        raise AckMessage

    def _count(self, outcome: str) -> None:
        EVENTS.labels(self._topic.name, self._group, outcome).inc()


def _reason(record: ConsumerRecord, failure: WorkbenchError) -> list[tuple[str, bytes]]:
    return [
        ("x-source-topic", record.topic.encode()),
        ("x-source-partition", str(record.partition).encode()),
        ("x-source-offset", str(record.offset).encode()),
        ("x-error-kind", type(failure).__name__.encode()),
        ("x-error-code", failure.code.encode()),
        ("x-error-message", failure.message.encode()),
    ]
