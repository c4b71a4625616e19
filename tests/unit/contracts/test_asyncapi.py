"""The AsyncAPI document is well-formed and tells of every topic, reader and event."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from faststream.specification.asyncapi.v3_0_0.schema import ApplicationSchema
from jsonschema import Draft202012Validator, ValidationError

from contracts import asyncapi
from contracts.schema import writers_schema
from contracts.topics import EVENT_TYPES, TOPICS

SCHEMAS = Path(asyncapi.__file__).parent


def references(node: Any) -> Iterator[str]:
    """Every `$ref` below `node`."""
    if isinstance(node, dict):
        yield from (value for key, value in node.items() if key == "$ref")
        node = list(node.values())
    if isinstance(node, list):
        for child in node:
            yield from references(child)


def resolve(document: dict[str, Any], reference: str) -> Any:
    """What a reference points at; a KeyError or a missing file if it dangles."""
    if reference.startswith("./"):
        return json.loads((SCHEMAS / reference).read_text())
    node: Any = document
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return node


def test_the_document_has_the_shape_of_asyncapi_3() -> None:
    """Checked against FastStream's model of the specification."""
    ApplicationSchema.model_validate(asyncapi.document())


def test_every_reference_leads_somewhere() -> None:
    """Inside the document, and to the schema files beside it."""
    document = asyncapi.document()

    found = list(references(document))

    assert len(found) > len(EVENT_TYPES)
    assert all(resolve(document, reference) for reference in found)


def test_every_topic_event_writer_and_reader_is_told() -> None:
    """Nothing of contracts.topics is left out."""
    document = asyncapi.document()

    assert set(document["channels"]) == {topic.name for topic in TOPICS}
    assert {message["name"] for message in document["components"]["messages"].values()} == set(EVENT_TYPES)
    assert set(document["operations"]) == {
        *(f"{topic.owner}.sends.{topic.name}" for topic in TOPICS),
        *(f"{reader}.receives.{topic.name}" for topic in TOPICS for reader in topic.readers),
    }


def test_the_examples_headers_are_those_the_document_promises(name: str, example: dict[str, Any]) -> None:
    """The header schema accepts the example and refuses another event's type."""
    document = asyncapi.document()
    promised = document["components"]["messages"][name]["headers"]
    headers = Draft202012Validator({**promised, "components": document["components"]})

    headers.validate(example["headers"])
    with pytest.raises(ValidationError):
        headers.validate(example["headers"] | {"ce_type": "workbench.something.else.v1"})


def test_a_payload_is_described_by_the_schema_its_header_names(name: str, schema: dict[str, Any], example: dict[str, Any]) -> None:
    """`ce_dataschema` is the `$id` of the committed schema."""
    assert schema["$id"] == example["headers"]["ce_dataschema"]
    assert schema == writers_schema(EVENT_TYPES[f"workbench.{name}"])
