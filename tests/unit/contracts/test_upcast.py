"""An old record reaches a new reader: a worked `docs.uploaded.v2`, which exists here alone."""

import json
import re
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import Field

from contracts.base import Event, Name, Sha256, Value
from contracts.codec import Received, decode
from contracts.documents import DocumentEvent, DocumentUploadedV1
from contracts.errors import ContractViolation
from contracts.topics import EVENT_TYPES, TOPICS, Topic
from contracts.upcast import REGISTRY, Registry, Upcaster
from tests.events import record_of
from workbench.release import releases


class Content(Value):
    """What a document consists of; its media type was beside it in v1."""

    uri: str
    sha256: Sha256
    bytes: int
    media_type: Name


class DocumentUploadedV2(DocumentEvent):
    """Says what the content is in one place."""

    TYPE: ClassVar[str] = "workbench.docs.uploaded.v2"

    title: str
    content: Content


class DocumentUploadedV3(DocumentEvent):
    """Must know the language."""

    TYPE: ClassVar[str] = "workbench.docs.uploaded.v3"

    content: Content
    language: str = Field(min_length=2)


def uploaded_v2(old: DocumentUploadedV1) -> DocumentUploadedV2:
    """Moves the media type."""
    content = Content(**old.blob.model_dump(), media_type=old.media_type)
    return DocumentUploadedV2(document_id=old.document_id, document_version=old.document_version, title=old.title, content=content)


def uploaded_v3(old: DocumentUploadedV2) -> DocumentUploadedV3:
    """Says that nobody knows the language."""
    return DocumentUploadedV3(document_id=old.document_id, document_version=old.document_version, content=old.content, language="und")


V2 = Registry(types={**EVENT_TYPES, DocumentUploadedV2.TYPE: DocumentUploadedV2}, upcasters={DocumentUploadedV1: uploaded_v2})
V3 = Registry(types={**V2.types, DocumentUploadedV3.TYPE: DocumentUploadedV3}, upcasters={**V2.upcasters, DocumentUploadedV2: uploaded_v3})
UPLOADED = DocumentUploadedV1(
    document_id="a", document_version=2, title="A", media_type="text/plain", blob={"uri": "file:///a", "sha256": "0" * 64, "bytes": 3}
)


def read(event: Event, registry: Registry, asked: tuple[type[Event], ...] | None = None) -> Received[Any]:
    """The v1 record of an event, as a reader gets it."""
    record = record_of(event)
    return decode(record.headers, record.value, asked, registry)


def test_an_old_record_reaches_a_new_reader() -> None:
    """Who asks for v2 alone never sees v1."""
    received = read(UPLOADED, V2, asked=(DocumentUploadedV2,))

    assert received.data == uploaded_v2(UPLOADED)
    assert received.data.content.media_type == "text/plain"


def test_the_envelope_and_the_digest_stay_those_of_the_record() -> None:
    """The inbox knows the record by them, whatever version its reader asks for."""
    as_it_came, upcast = read(UPLOADED, REGISTRY), read(UPLOADED, V2)

    assert upcast.envelope.type == DocumentUploadedV1.TYPE
    assert (upcast.digest, upcast.data.key) == (as_it_came.digest, as_it_came.data.key)


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        (None, DocumentUploadedV3),
        ((DocumentUploadedV1,), DocumentUploadedV1),
        ((DocumentUploadedV2,), DocumentUploadedV2),
        ((DocumentUploadedV1, DocumentUploadedV2), DocumentUploadedV2),
        ((DocumentUploadedV1, DocumentUploadedV3), DocumentUploadedV3),
        ((), DocumentUploadedV1),
    ],
)
def test_a_reader_gets_the_newest_version_it_asks_for(asked: tuple[type[Event], ...] | None, given: type[Event]) -> None:
    """Along the whole chain; where it asks for none of them, the event as it came."""
    assert type(read(UPLOADED, V3, asked).data) is given


def test_a_new_record_is_read_as_it_is() -> None:
    """Both versions are on the topic at once."""
    value = uploaded_v2(UPLOADED).model_dump_json().encode()
    headers = [("ce_id", b"1"), ("ce_source", b"/test"), ("ce_type", DocumentUploadedV2.TYPE.encode())]

    assert decode(headers, value, registry=V2).data == uploaded_v2(UPLOADED)
    with pytest.raises(ContractViolation, match="not one of"):
        decode(headers, value)


def test_an_old_event_that_makes_no_valid_new_one_is_a_contract_violation() -> None:
    """It is dead-lettered at once, not tried again."""
    registry = Registry(EVENT_TYPES, {DocumentUploadedV1: lambda old: DocumentUploadedV3(**old.model_dump(), content=None, language="")})

    with pytest.raises(ContractViolation) as refused:
        read(UPLOADED, registry)

    assert refused.value.code == "data_invalid"


@pytest.mark.parametrize("path", [path for release in releases() for path in release.glob("examples/docs.uploaded.v1.json")], ids=str)
def test_every_released_example_reaches_the_newest_version(path: Path) -> None:
    """And stays in the order of its key."""
    example = json.loads(path.read_text())
    headers = [(name, value.encode()) for name, value in example["headers"].items()]

    data = decode(headers, json.dumps(example["value"]).encode(), registry=V3).data

    assert (type(data), data.key) == (DocumentUploadedV3, example["key"])


def dead_ends(topics: Sequence[Topic], upcasters: dict[type[Event], Upcaster]) -> list[str]:
    """Events with a newer major version on their topic that no upcaster leads to; and topics that share an event's versions."""
    events = sorted((_major(event.TYPE), topic.name, event) for topic in topics for event in topic.events)
    found = []
    for name, versions in groupby(events, key=lambda each: each[0][0]):
        *older, newest = versions
        found += [event.TYPE for _, _, event in older if event not in upcasters]
        found += [f"{name} is on {topic} and on {newest[1]}" for _, topic, _ in older if topic != newest[1]]
    return found


def _major(event_type: str) -> tuple[str, int]:
    [(name, number)] = re.findall(r"^(.*)\.v(\d+)$", event_type)
    return name, int(number)


def test_every_old_version_leads_to_the_newest() -> None:
    """On the same topic; a forgotten upcaster would send old records to the dead letter topic."""
    assert dead_ends(TOPICS, dict(REGISTRY.upcasters)) == []


def test_a_forgotten_upcaster_and_another_topic_are_seen() -> None:
    """The checker itself."""
    [first, second, *_] = TOPICS
    more = [first, Topic("other", "document_id", 1, second.retention, "rag", (), (DocumentUploadedV2,))]

    assert dead_ends(more, {}) == [DocumentUploadedV1.TYPE, "workbench.docs.uploaded is on docs.uploaded and on other"]
    assert dead_ends([Topic("t", "k", 1, second.retention, "rag", (), (DocumentUploadedV1, DocumentUploadedV2))], dict(V2.upcasters)) == []
