"""Typed variables of a prompt, in a few words of JSON Schema (draft 2020-12)."""

import json
from collections.abc import Iterator, Mapping
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any

from jsonschema_rs import Draft202012Validator, ValidationError
from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.rag.registry.errors import Fault

MAX_TEXT_CHARS = 100_000
MAX_ITEMS = 1_000
MAX_VALUES_CHARS = 1_000_000

VariableName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,49}$")]


class VariableType(StrEnum):
    """JSON's types, as JSON Schema names them."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    ARRAY = "array"
    OBJECT = "object"


class Variable(BaseModel):
    """What a value must be. One that is not `required` is nothing (an empty text, false) if it is not given."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_name=True, serialize_by_alias=True)

    type: VariableType
    required: bool = True
    max_length: int | None = Field(default=None, alias="maxLength", ge=1, le=MAX_TEXT_CHARS, description="of a string, in characters")
    max_items: int | None = Field(default=None, alias="maxItems", ge=1, le=MAX_ITEMS, description="of an array")
    enum: tuple[Any, ...] | None = Field(default=None, min_length=1, max_length=100)

    @model_validator(mode="after")
    def _fits_its_type(self) -> "Variable":
        if self.max_length and self.type is not VariableType.STRING:
            raise ValueError("maxLength is for strings")
        if self.max_items and self.type is not VariableType.ARRAY:
            raise ValueError("maxItems is for arrays")
        is_one = Draft202012Validator({"type": self.type.value})
        if wrong := [value for value in self.enum or () if not is_one.is_valid(value)]:
            raise ValueError(f"{wrong[0]!r} is in the enum and is no {self.type}")
        return self

    @cached_property
    def validator(self) -> Draft202012Validator:
        """Checks a value."""
        limits = {"maxLength": self.max_length or MAX_TEXT_CHARS, "maxItems": self.max_items or MAX_ITEMS}
        return Draft202012Validator({"type": self.type.value, **limits} | ({"enum": list(self.enum)} if self.enum else {}))


Variables = Mapping[str, Variable]


def faults(variables: Variables, values: Mapping[str, Any]) -> Iterator[Fault]:
    """Everything that is wrong with `values`: what is missing, what nobody asked for, and what is of the wrong type or too large."""
    for name in sorted(values.keys() - variables.keys()):
        yield Fault(name, "is not a variable of this prompt; leave it out")
    for name, variable in variables.items():
        if name in values:
            for error in variable.validator.iter_errors(values[name]):
                yield Fault(name, _told(error, variable, values[name]))
        elif variable.required:
            yield Fault(name, "is missing")
    if (size := len(json.dumps(values, ensure_ascii=False))) > MAX_VALUES_CHARS:
        yield Fault("variables", f"have {size} characters, over the limit of {MAX_VALUES_CHARS}")


def complete(variables: Variables, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of these variables alone, nothing for those that are not given."""
    return {name: values.get(name) for name in variables}


def _told(error: ValidationError, variable: Variable, value: Any) -> str:
    """Without the value, which may be long, or nobody's business."""
    match error.schema_path[-1]:
        case "maxLength":
            return f"has {len(value)} characters, over the limit of {variable.max_length or MAX_TEXT_CHARS}"
        case "maxItems":
            return f"has {len(value)} items, over the limit of {variable.max_items or MAX_ITEMS}"
        case "enum":
            return f"is not one of {json.dumps(variable.enum, ensure_ascii=False)}"
    return f"is no {variable.type}"
