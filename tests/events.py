"""Events and records that tests send: what a plain client would put on a topic."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from aiokafka import ConsumerRecord

from contracts.base import Event
from contracts.codec import Received, Record, decode, encode, envelope_for
from contracts.envelope import DEFAULT_TENANT

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def record_of(event: Event, event_id: str | None = None, tenant_id: str = DEFAULT_TENANT) -> Record:
    """The record a producer outside would send for `event`."""
    envelope = envelope_for(event, id=event_id or str(uuid4()), source="test", time=NOW, tenant_id=tenant_id)
    return encode(event, envelope)


def received(event: Event, event_id: str | None = None, tenant_id: str = DEFAULT_TENANT) -> Received[Any]:
    """The event as a handler gets it."""
    record = record_of(event, event_id, tenant_id)
    return decode(record.headers, record.value)


def consumed(record: Record, **changes: Any) -> ConsumerRecord[Any, Any]:
    """The record as a consumer gets it; `changes` break it."""
    fields: Mapping[str, Any] = {
        "topic": record.topic,
        "partition": 0,
        "offset": 7,
        "timestamp": 0,
        "timestamp_type": 0,
        "key": record.key,
        "value": record.value,
        "checksum": None,
        "serialized_key_size": len(record.key),
        "serialized_value_size": len(record.value),
        "headers": record.headers,
    }
    return ConsumerRecord(**{**fields, **changes})
