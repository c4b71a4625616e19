"""The CloudEvents 1.0 envelope of every record, in Kafka binary mode: attributes are `ce_*` headers, the value is the data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime

from contracts.errors import ContractViolation

SPECVERSION = "1.0"
CONTENT_TYPE = "application/json"
DEFAULT_TENANT = "default"

Headers = Sequence[tuple[str, bytes | None]]

_HEADER_OF = {
    "id": "ce_id",
    "source": "ce_source",
    "type": "ce_type",
    "subject": "ce_subject",
    "time": "ce_time",
    "dataschema": "ce_dataschema",
    "tenant_id": "ce_tenantid",
    "correlation_id": "ce_correlationid",
    "causation_id": "ce_causationid",
    "traceparent": "traceparent",
    "tracestate": "tracestate",
}


@dataclass(frozen=True, slots=True)
class Envelope:
    """What travels beside an event's data. `id` is unique per source; `correlation_id` is shared by all that one request caused."""

    id: str
    source: str
    type: str
    subject: str | None = None
    time: datetime | None = None
    dataschema: str | None = None
    tenant_id: str = DEFAULT_TENANT
    correlation_id: str | None = None
    causation_id: str | None = None
    traceparent: str | None = None
    tracestate: str | None = None


def to_headers(envelope: Envelope) -> list[tuple[str, bytes]]:
    """Gives the record headers of `envelope`; attributes that are None are left out."""
    headers = [("ce_specversion", SPECVERSION.encode()), ("content-type", CONTENT_TYPE.encode())]
    for field in fields(envelope):
        value = getattr(envelope, field.name)
        if value is not None:
            text = value.isoformat() if isinstance(value, datetime) else value
            headers.append((_HEADER_OF[field.name], text.encode()))
    return headers


def from_headers(headers: Headers) -> Envelope:
    """Reads the envelope. Raises `ContractViolation` if a header is not text or a required attribute is missing."""
    texts = _texts(headers)
    missing = [name for name in ("ce_id", "ce_source", "ce_type") if not texts.get(name)]
    if missing:
        raise ContractViolation("headers_missing", f"record has no {', '.join(missing)}; send CloudEvents 1.0 binary-mode headers")
    known = {field: texts[header] for field, header in _HEADER_OF.items() if header in texts and field != "time"}
    return Envelope(**known, time=_time(texts.get("ce_time")))


def _texts(headers: Headers) -> Mapping[str, str]:
    texts: dict[str, str] = {}
    for name, value in headers:
        if not (name.startswith("ce_") or name in _HEADER_OF):
            continue
        if value is None:
            raise ContractViolation("header_invalid", f"header {name} is null; leave it out or give it a UTF-8 value")
        try:
            texts[name] = value.decode("utf-8")
        except UnicodeDecodeError as error:
            raise ContractViolation("header_invalid", f"header {name} is not UTF-8") from error
    return texts


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise ContractViolation("header_invalid", f"ce_time {text!r} is not an RFC 3339 timestamp") from error
