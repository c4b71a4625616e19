"""A change that a released reader or writer would not survive is found and explained; one that only adds is let through."""

import json
import shutil
import subprocess
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, Field, create_model

from contracts.base import Event, Value
from contracts.schema import writers_schema
from contracts.topics import EVENT_TYPES
from tests.architecture.shape import ROOT
from workbench import compat
from workbench.compat import breaks
from workbench.inclusion import Schema, constraints, included, opened
from workbench.release import CONTRACTS, releases


class ThingMadeV1(Event):
    """What every variant below has."""

    TYPE: ClassVar[str] = "workbench.thing.made.v1"
    KEY: ClassVar[str] = "thing_id"

    thing_id: str


class Part(Value):
    size: int


class PartWithOptional(Value):
    size: int
    colour: str = "red"


class PartWithRequired(Value):
    size: int
    colour: str


class Two(StrEnum):
    UP = "up"
    DOWN = "down"


def thing(**fields: Any) -> Schema:
    """The writer's schema of a thing with more fields: a type, or a type and a default."""
    definitions: dict[str, Any] = {name: field if isinstance(field, tuple) else (field, ...) for name, field in fields.items()}
    variant = create_model("ThingMadeV1", __base__=ThingMadeV1, **definitions)
    return writers_schema(variant)


def broken(old: Schema, new: Schema) -> list[tuple[str, str]]:
    """The rules that the change from `old` to `new` breaks, and why."""
    return [(found.rule, found.why) for found in breaks("1.0.0", {"thing.made.v1": old}, {"thing.made.v1": new})]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(thing(), thing(note=(str | None, None)), id="a new optional field"),
        pytest.param(thing(), thing(labels=(tuple[str, ...], ())), id="a new field with a default"),
        pytest.param(thing(part=Part), thing(part=PartWithOptional), id="a new optional field further down"),
        pytest.param(thing(parts=tuple[Part, ...]), thing(parts=tuple[PartWithOptional, ...]), id="a new optional field in a list"),
        pytest.param(thing(n=int), thing(n=Annotated[int, Field(description="how many")]), id="a description"),
        pytest.param(thing(n=(int, 0)), thing(n=(int, 0)), id="nothing"),
    ],
)
def test_a_change_that_only_adds_is_compatible(old: Schema, new: Schema) -> None:
    """In both directions."""
    assert broken(old, new) == []


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        pytest.param(
            thing(note=str), thing(), [("forward", "`note` is required, and may be missing"), ("additive", "`note` is gone")], id="required"
        ),
        pytest.param(thing(note=(str, "")), thing(), [("additive", "`note` is gone")], id="optional"),
        pytest.param(
            thing(parts=tuple[PartWithOptional, ...]),
            thing(parts=tuple[Part, ...]),
            [("additive", "`parts[].colour` is gone")],
            id="nested",
        ),
    ],
)
def test_a_removed_field_is_found(old: Schema, new: Schema, found: list[tuple[str, str]]) -> None:
    """Old readers need a required one; an optional one would be lost without a word."""
    assert broken(old, new) == found


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        pytest.param(thing(), thing(note=str), "note", id="new"),
        pytest.param(thing(note=(str, "")), thing(note=str), "note", id="optional before"),
        pytest.param(thing(part=Part), thing(part=PartWithRequired), "part.colour", id="nested"),
        pytest.param(thing(parts=tuple[Part, ...]), thing(parts=tuple[PartWithRequired, ...]), "parts[].colour", id="in a list"),
    ],
)
def test_a_new_required_field_is_found(old: Schema, new: Schema, field: str) -> None:
    """What was written before lacks it."""
    assert broken(old, new) == [("backward", f"`{field}` is required, and may be missing")]


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        pytest.param(float, int, id="a number to an integer"),
        pytest.param(str | None, str, id="null no more"),
        pytest.param(str, Annotated[str, Field(max_length=9)], id="a shorter text"),
        pytest.param(int, Annotated[int, Field(ge=1)], id="a smallest value"),
        pytest.param(str, Literal["up", "down"], id="any text to two words"),
        pytest.param(Literal["up", "down", "sideways"], Two, id="a value less"),
        # The next three are what jsoncompat does not see.
        pytest.param(str, Annotated[str, Field(pattern="^[a-z]+$")], id="a pattern"),
        pytest.param(Annotated[str, Field(pattern="^[a-z]+$")], Annotated[str, Field(pattern="^[a-c]+$")], id="a narrower pattern"),
        pytest.param(str, UUID, id="a format"),
    ],
)
def test_a_narrowed_type_breaks_backward_and_a_widened_one_forward(wide: Any, narrow: Any) -> None:
    """What was written before may be refused now; what is written now may be refused by those who read before."""
    narrowed, widened = broken(thing(x=wide), thing(x=narrow)), broken(thing(x=narrow), thing(x=wide))

    assert [rule for rule, _ in narrowed] == ["backward"]
    assert [rule for rule, _ in widened] == ["forward"]
    assert narrowed[0][1].startswith("`x`: ")


def test_another_type_breaks_both_ways() -> None:
    """And is told once for each."""
    assert broken(thing(x=int), thing(x=str)) == [
        ("backward", '`x`: {"type": "integer"} is not all within {"type": "string"}'),
        ("forward", '`x`: {"type": "string"} is not all within {"type": "integer"}'),
    ]


def test_a_removed_event_is_found() -> None:
    """What was released is read for ever."""
    assert [found.why for found in breaks("1.0.0", {"thing.made.v1": thing()}, {"thing.made.v2": thing()})] == ["the event is gone"]


def test_a_new_event_and_a_new_major_version_are_free() -> None:
    """Nobody was promised anything about them."""
    assert breaks("1.0.0", {"thing.made.v1": thing()}, {"thing.made.v1": thing(), "thing.made.v2": thing(note=str)}) == []


def test_every_release_counts_not_only_the_last() -> None:
    """A field that went and came back with another type agrees with the last release, and not with the first."""
    first, last, now = thing(x=(int, 0)), thing(), thing(x=(str, ""))

    assert broken(last, now) == []
    assert [rule for rule, _ in broken(first, now)] == ["backward", "forward"]


class Tree(BaseModel):
    branches: "tuple[Tree, ...]" = ()


@pytest.mark.parametrize(
    ("new", "why"),
    [
        pytest.param(thing(x=Annotated[float, Field(gt=0)]), "such as `ge` for `gt`", id="by jsonsubschema"),
        pytest.param(thing(x=Annotated[float, Field(multiple_of=0.1)]), "multipleOf", id="by jsoncompat"),
        pytest.param(thing(tree=Tree), "refers to itself", id="by either"),
    ],
)
def test_what_the_libraries_cannot_judge_is_not_let_through(new: Schema, why: str) -> None:
    """It is told, with what to write instead."""
    [(rule, told)] = broken(thing(), new)

    assert rule == "undecided"
    assert why in told


@pytest.mark.parametrize("event", EVENT_TYPES.values(), ids=list(EVENT_TYPES))
def test_the_libraries_can_judge_every_real_event(event: type[Event]) -> None:
    """Closed lies within open, and not the other way round."""
    closed = constraints(writers_schema(event))

    assert included(closed, opened(closed))
    assert not included(opened(closed), closed)


def test_today_is_compatible_with_every_release(capsys: pytest.CaptureFixture[str]) -> None:
    """If not: the table says what and why."""
    status = compat.main()

    assert status == 0, capsys.readouterr().out
    assert releases() != []


Edit = Callable[[Schema], object]


@pytest.mark.parametrize(
    ("edit", "rule", "why"),
    [
        (lambda schema: schema["required"].append("owner") or schema["properties"].update(owner={"type": "string"}), "forward", "`owner`"),
        (lambda schema: schema["required"].remove("title"), "backward", "`title`"),
        (lambda schema: schema["properties"]["title"].pop("maxLength"), "backward", "`title`"),
    ],
    ids=["removed field", "new required field", "narrowed type"],
)
def test_the_check_fails_with_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str], edit: Edit, rule: str, why: str) -> None:
    """The release is edited on a copy, which is the same as today's event having changed."""
    shutil.copytree(CONTRACTS / "released", tmp_path / "released")
    path = tmp_path / "released/0.1.0/schemas/docs.uploaded.v1.json"
    schema = json.loads(path.read_text())
    edit(schema)
    path.write_text(json.dumps(schema))

    status = compat.main(tmp_path)

    [line] = [line for line in capsys.readouterr().out.splitlines() if rule in line]
    assert status == 1
    assert "docs.uploaded.v1" in line
    assert why in line


def test_make_check_runs_it() -> None:
    """Before the drift check, so that a breaking change is called that first."""
    done = subprocess.run(["make", "--dry-run", "check"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)

    assert 0 < done.stdout.find("-m workbench.compat") < done.stdout.find("-m workbench.publish --check")
