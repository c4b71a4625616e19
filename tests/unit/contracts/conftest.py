"""The committed examples, one for each event."""

import json
from pathlib import Path
from typing import Any

import pytest

import contracts
from contracts.codec import Received, decode
from contracts.schema import file_stem
from contracts.topics import EVENT_TYPES

Example = dict[str, Any]

FOLDER = Path(contracts.__file__).parent


@pytest.fixture(params=EVENT_TYPES.values(), ids=file_stem)
def name(request: pytest.FixtureRequest) -> str:
    """The name of an event's files, for each event in turn."""
    return file_stem(request.param)


@pytest.fixture
def example(name: str) -> Example:
    """That event's committed example: headers, key and value."""
    example: Example = json.loads((FOLDER / "examples" / f"{name}.json").read_text())
    return example


@pytest.fixture
def schema(name: str) -> dict[str, Any]:
    """That event's committed schema."""
    schema: dict[str, Any] = json.loads((FOLDER / "schemas" / f"{name}.json").read_text())
    return schema


def read(example: Example) -> Received[Any]:
    """Decodes an example as if a broker had brought it."""
    headers = [(name, value.encode()) for name, value in example["headers"].items()]
    return decode(headers, json.dumps(example["value"]).encode())
