"""Events to records and back: the only place that serialises a contract."""

from collections.abc import Container
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Generic, TypeVar

from pydantic import ValidationError

from contracts.base import Event
from contracts.envelope import DEFAULT_TENANT, Envelope, Headers, from_headers, to_headers
from contracts.errors import ContractViolation
from contracts.topics import TOPIC_OF
from contracts.upcast import REGISTRY, Registry

E = TypeVar("E", bound=Event, covariant=True)


@dataclass(frozen=True, slots=True)
class Received(Generic[E]):
    """An event that was read, with its envelope; `digest` is the SHA-256 of the value it was read from."""

    data: E
    envelope: Envelope
    digest: str


@dataclass(frozen=True, slots=True)
class Record:
    """What a broker carries: topic, key, value and headers as bytes."""

    topic: str
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


def envelope_for(
    event: Event,
    *,
    id: str,
    source: str,
    time: datetime,
    tenant_id: str = DEFAULT_TENANT,
    correlation_id: str | None = None,
    causation_id: str | None = None,
    traceparent: str | None = None,
) -> Envelope:
    """Makes the envelope of `event`; an event that nothing caused correlates with itself."""
    return Envelope(
        id=id,
        source=source,
        type=event.TYPE,
        subject=event.key,
        time=time,
        dataschema=schema_urn(type(event)),
        tenant_id=tenant_id,
        correlation_id=correlation_id or id,
        causation_id=causation_id,
        traceparent=traceparent,
    )


def schema_urn(event: type[Event]) -> str:
    """The name of an event's JSON Schema, its `dataschema` and its `$id`."""
    return f"urn:{event.TYPE.replace('.', ':', 1)}"


def encode(event: Event, envelope: Envelope) -> Record:
    """Serialises an event for its topic: the value is JSON without the envelope."""
    return Record(
        topic=TOPIC_OF[type(event)].name,
        key=event.key.encode(),
        value=event.model_dump_json().encode(),
        headers=tuple(to_headers(envelope)),
    )


def decode(
    headers: Headers, value: bytes | None, asked: Container[type[Event]] | None = None, registry: Registry = REGISTRY
) -> Received[Event]:
    """Reads one record, as the newest version of its event among the types `asked` for (all, if none are told); see `upcast.py`.

    The envelope and the digest stay those of the record. Raises `ContractViolation` for a tombstone, unknown type, bad headers or data
    that break the schema.
    """
    envelope = from_headers(headers)
    event_type = registry.types.get(envelope.type)
    if event_type is None:
        raise ContractViolation("type_unknown", f"ce_type {envelope.type!r} is not one of {', '.join(sorted(registry.types))}")
    if value is None:
        raise ContractViolation("tombstone", f"{envelope.type} has no value; publish a deleted event instead of a tombstone")
    try:
        event = registry.upcast(event_type.model_validate_json(value), asked)
        return Received(event, envelope, sha256(value).hexdigest())
    except ValidationError as error:
        raise ContractViolation("data_invalid", f"{envelope.type} breaks its schema: {_first(error)}") from error


def _first(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in problem["loc"]) or "value"
    more = error.error_count() - 1
    return f"{where}: {problem['msg']}" + (f" (and {more} more)" if more else "")
