"""The transactional outbox: events are written with the effect they tell of, and published afterwards by the relay."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import NAMESPACE_URL, uuid5

import asyncpg

from contracts.base import Event
from contracts.codec import Record, encode, envelope_for
from contracts.envelope import DEFAULT_TENANT, Envelope
from kit.clock import Clock
from kit.errors import Permanent
from kit.ids import IdSource
from kit.postgres import load_queries
from kit.tracing import current_traceparent

# What every broker takes with its default settings; a record that none takes would keep all behind it in the outbox.
MAX_EVENT_BYTES = 900_000


@dataclass(frozen=True, slots=True)
class Told:
    """An event that is to be published if its transaction commits."""

    event_id: str
    record: Record


class Outbox:
    """Writes events to the service's `outbox` table; `source` is the service's name."""

    def __init__(self, source: str, clock: Clock, ids: IdSource) -> None:
        self._source = f"workbench/{source}"
        self._clock = clock
        self._ids = ids
        self._queries = load_queries("kit")

    def tell(self, event: Event, cause: Envelope | None = None, part: int = 0, tenant_id: str = DEFAULT_TENANT) -> Told:
        """Gives `event` its envelope. Raises Permanent `event_too_large`.

        With a `cause`, its tenant and correlation go on, and the id is computed from the cause, the type and `part`: handling the
        cause again tells the same event again, and its readers know it. Without one the id is fresh.
        """
        envelope = envelope_for(
            event,
            id=self._id(event, cause, part),
            source=self._source,
            time=self._clock.now(),
            tenant_id=cause.tenant_id if cause else tenant_id,
            correlation_id=cause.correlation_id or cause.id if cause else None,
            causation_id=cause.id if cause else None,
            traceparent=current_traceparent(),
        )
        record = encode(event, envelope)
        if len(record.value) > MAX_EVENT_BYTES:
            raise Permanent(
                "event_too_large", f"{event.TYPE} has {len(record.value)} bytes, over {MAX_EVENT_BYTES}; send less in one piece"
            )
        return Told(envelope.id, record)

    async def write(self, connection: asyncpg.Connection, told: Sequence[Told]) -> None:
        """Keeps events for publication, in their order, if the transaction of `connection` commits."""
        if told:
            await self._queries.add_to_outbox(connection, [_row(one.record) for one in told])

    def _id(self, event: Event, cause: Envelope | None, part: int) -> str:
        if cause is None:
            return str(self._ids())
        return str(uuid5(NAMESPACE_URL, f"{self._source}\x1f{cause.source}\x1f{cause.id}\x1f{event.TYPE}\x1f{event.key}\x1f{part}"))


def _row(record: Record) -> dict[str, object]:
    headers = [[name, value.decode()] for name, value in record.headers]
    return {"topic": record.topic, "key": record.key, "value": record.value, "headers": headers}
