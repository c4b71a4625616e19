"""Records that break their contract are refused with a stable code; all others survive the wire."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.codec import decode, encode, envelope_for
from contracts.documents import BlobRef, DocumentDeletedV1, DocumentUploadedV1
from contracts.errors import ContractViolation

HEADERS = {"ce_id": b"1", "ce_source": b"/test", "ce_type": b"workbench.docs.deleted.v1"}
VALUE = b'{"document_id": "a", "document_version": 2}'


def test_three_headers_are_enough() -> None:
    """What a client in any language must send, and nothing else."""
    received = decode(list(HEADERS.items()), VALUE)

    assert received.data == DocumentDeletedV1(document_id="a", document_version=2)
    assert received.envelope.tenant_id == "default"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"ce_type": b"workbench.docs.shredded.v1"}, "type_unknown"),
        ({"ce_type": None}, "header_invalid"),
        ({"ce_id": b"\xff\xfe"}, "header_invalid"),
        ({"ce_source": b""}, "headers_missing"),
        ({"ce_time": b"yesterday"}, "header_invalid"),
    ],
)
def test_broken_headers_are_refused_with_a_code(changed: dict[str, bytes | None], code: str) -> None:
    """Unknown type, null, not UTF-8, empty, not a time."""
    with pytest.raises(ContractViolation) as refused:
        decode(list((HEADERS | changed).items()), VALUE)

    assert refused.value.code == code


@pytest.mark.parametrize("missing", HEADERS)
def test_a_missing_header_is_named(missing: str) -> None:
    """The message tells the sender what to add."""
    with pytest.raises(ContractViolation, match=f"no {missing}") as refused:
        decode([(name, value) for name, value in HEADERS.items() if name != missing], VALUE)

    assert refused.value.code == "headers_missing"


def test_a_header_of_somebody_else_may_hold_anything() -> None:
    """Only the headers of the contract are read; a proxy's binary one harms nobody."""
    received = decode([*HEADERS.items(), ("x-proxy", b"\xff"), ("x-null", None)], VALUE)

    assert received.envelope.id == "1"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "tombstone"),
        (b"", "data_invalid"),
        (b"{not json", "data_invalid"),
        (b"\xff\xfe", "data_invalid"),
        (b"[]", "data_invalid"),
        (b'{"document_id": "a"}', "data_invalid"),
        (b'{"document_id": "../a", "document_version": 1}', "data_invalid"),
        (b'{"document_id": "a", "document_version": 0}', "data_invalid"),
    ],
)
def test_a_broken_value_is_refused_with_a_code(value: bytes | None, code: str) -> None:
    """Tombstone, nothing, broken JSON, not text, not an object, too little, a bad id, a bad version."""
    with pytest.raises(ContractViolation) as refused:
        decode(list(HEADERS.items()), value)

    assert refused.value.code == code


uploads = st.builds(
    DocumentUploadedV1,
    document_id=st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._:-]{0,127}\Z"),
    document_version=st.integers(min_value=1),
    title=st.text(min_size=1, max_size=512),
    media_type=st.text(min_size=1, max_size=200),
    blob=st.builds(
        BlobRef, uri=st.text(min_size=1, max_size=99), sha256=st.from_regex(r"\A[0-9a-f]{64}\Z"), bytes=st.integers(min_value=0)
    ),
    metadata=st.dictionaries(st.text(), st.text()),
)


@given(uploads, st.text(min_size=1), st.datetimes(timezones=st.just(UTC)))
def test_any_event_survives_the_wire(event: DocumentUploadedV1, tenant_id: str, time: datetime) -> None:
    """Any script in a title, any tenant, any time."""
    envelope = envelope_for(event, id="1", source="/test", time=time, tenant_id=tenant_id)

    record = encode(event, envelope)

    received = decode(record.headers, record.value)
    assert (received.data, received.envelope) == (event, envelope)
    assert json.loads(record.value)["document_id"].encode() == record.key
