"""JSON Schemas (draft 2020-12) of the events: the writer's view, published in `contracts/schemas/`.

The writer's view is closed: it names every field a writer may send today, so a misspelt one is found before it is published. Whatever
satisfies it is accepted by every reader; readers are open and ignore fields they do not know. Comparing the closed schema of one
release with the open one of another is what tells a compatible change from a breaking one.
"""

from typing import Any, cast

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from contracts.base import Event
from contracts.codec import schema_urn


class _WritersView(GenerateJsonSchema):
    """Closes every object of named fields, and leaves out the titles that only repeat a field's name."""

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        return {**super().model_schema(schema), "additionalProperties": False}

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def writers_schema(event: type[Event]) -> dict[str, Any]:
    """The closed schema of what a writer of `event` may send; `$id` is the event's `dataschema`."""
    body = cast(type[BaseModel], event).model_json_schema(schema_generator=_WritersView, mode="serialization")
    return {"$schema": GenerateJsonSchema.schema_dialect, "$id": schema_urn(event), **body, "title": event.TYPE}


def file_stem(event: type[Event]) -> str:
    """The name of the event's files in `schemas/` and `examples/`, such as `docs.uploaded.v1`."""
    return event.TYPE.removeprefix("workbench.")
