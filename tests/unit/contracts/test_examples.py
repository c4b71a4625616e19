"""Every example ever released decodes, and is what its schema and our codec say."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

import contracts
from contracts.codec import encode
from contracts.schema import file_stem
from contracts.topics import EVENT_TYPES
from tests.unit.contracts.conftest import Example, read


def test_an_example_decodes_to_the_event_its_file_is_named_for(name: str, example: Example) -> None:
    """The headers alone choose the event."""
    received = read(example)

    assert file_stem(type(received.data)) == name


def test_an_example_encodes_to_the_same_record(example: Example) -> None:
    """Headers, key and value come back as they were committed."""
    received = read(example)

    record = encode(received.data, received.envelope)

    headers = {name: value.decode() for name, value in record.headers}
    assert {"headers": headers, "key": record.key.decode(), "value": json.loads(record.value)} == example


def test_an_example_satisfies_its_schema(schema: dict[str, Any], example: Example) -> None:
    """The committed schema, read by a validator that is not ours, formats included."""
    Draft202012Validator.check_schema(schema)

    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(example["value"])


def test_a_schema_refuses_a_field_nobody_promised(schema: dict[str, Any], example: Example) -> None:
    """The writer's view is closed, so a misspelt field is found before it is published."""
    with pytest.raises(ValidationError, match="Additional properties"):
        Draft202012Validator(schema).validate(example["value"] | {"colour": "blue"})


def test_a_reader_ignores_a_field_it_does_not_know(example: Example) -> None:
    """The reader's view is open, so a newer writer does not break it."""
    newer = example | {"value": example["value"] | {"colour": "blue"}}

    assert read(newer).data == read(example).data


@pytest.mark.parametrize("folder", ["schemas", "examples"])
def test_each_event_has_one_file_and_no_file_is_left_over(folder: str) -> None:
    """A new event without an example is found here."""
    files = Path(contracts.__file__).parent / folder

    assert {path.stem for path in files.iterdir()} == {file_stem(event) for event in EVENT_TYPES.values()}
