"""Readers are tolerant: of fields they do not know, at every depth, and of values nobody had thought of."""

from collections.abc import Iterator
from typing import Any, ClassVar, Literal

import pytest
from pydantic import ConfigDict

from contracts.base import Event, Value
from contracts.schema import writers_schema
from contracts.topics import EVENT_TYPES
from tests.unit.contracts.conftest import Example, read
from workbench.inclusion import constraints, opened


class Strict(Value):
    """A part that refuses what it does not know."""

    model_config = ConfigDict(extra="forbid")

    size: int


class Bad(Event):
    """Breaks both rules."""

    TYPE: ClassVar[str] = "workbench.bad.v1"
    KEY: ClassVar[str] = "rating"

    rating: Literal["up", "down"]
    part: Strict


def is_open(event: type[Event]) -> bool:
    """Whether what a reader of `event` accepts is the writer's schema with all its objects opened."""
    return constraints(event.model_json_schema(mode="validation")) == opened(constraints(writers_schema(event)))


def closed_sets(node: Any) -> Iterator[Any]:
    """The values of every field that lists what it may be."""
    if isinstance(node, dict):
        yield from (node[word] for word in ("enum", "const") if word in node)
        node = list(node.values())
    if isinstance(node, list):
        for part in node:
            yield from closed_sets(part)


@pytest.mark.parametrize("event", EVENT_TYPES.values(), ids=list(EVENT_TYPES))
def test_a_reader_accepts_the_writers_schema_opened(event: type[Event]) -> None:
    """The compatibility check takes this for granted."""
    assert is_open(event)


@pytest.mark.parametrize("event", EVENT_TYPES.values(), ids=list(EVENT_TYPES))
def test_no_event_lists_the_values_of_a_field(event: type[Event]) -> None:
    """A list could never grow: an old reader would refuse the new value. Such a field is a `Name`, and its docstring tells the values."""
    assert list(closed_sets(constraints(writers_schema(event)))) == []


def test_a_strict_reader_and_a_list_of_values_are_seen() -> None:
    """The checkers themselves."""
    assert not is_open(Bad)
    assert list(closed_sets(writers_schema(Bad))) == [["up", "down"]]


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("feedback.received.v1", "rating", "sideways"),
        ("docs.rejected.v1", "code", "written_in_klingon"),
        ("docs.uploaded.v1", "media_type", "text/x-clay-tablet"),
    ],
)
def test_a_value_nobody_had_thought_of_is_read_as_it_came(name: str, field: str, value: str, example: Example) -> None:
    """What to do about it is the reader's decision; the record is no poison."""
    received = read(example | {"value": example["value"] | {field: value}})

    assert getattr(received.data, field) == value


@pytest.mark.parametrize(("name", "part"), [("docs.uploaded.v1", "blob"), ("queries.answered.v1", "usage")])
def test_a_field_nobody_knows_is_ignored_further_down(name: str, part: str, example: Example) -> None:
    """As it is at the top."""
    grown = example["value"] | {part: example["value"][part] | {"colour": "blue"}}

    assert read(example | {"value": grown}).data == read(example).data
