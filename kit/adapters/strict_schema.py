"""Which JSON Schemas OpenAI can promise to keep to."""

from collections.abc import Iterator, Mapping
from typing import Any

# https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
_UNSUPPORTED = {"allOf", "not", "if", "then", "else", "oneOf", "dependentRequired", "dependentSchemas", "patternProperties", "prefixItems"}


def is_strict(schema: Mapping[str, Any]) -> bool:
    """Whether `strict` mode takes the schema: an object at the root, no further properties anywhere, and none that may be missing."""
    return schema.get("type") == "object" and all(_is_closed(part) for part in _parts(schema))


def _is_closed(part: Mapping[str, Any]) -> bool:
    if _UNSUPPORTED & part.keys():
        return False
    if part.get("type") != "object" and "properties" not in part:
        return True
    return part.get("additionalProperties") is False and set(part.get("properties", ())) == set(part.get("required", ()))


def _parts(schema: Any) -> Iterator[Mapping[str, Any]]:
    """The schema and every schema within it."""
    if not isinstance(schema, Mapping):
        return
    yield schema
    for names in ("properties", "$defs"):
        for part in schema.get(names, {}).values():
            yield from _parts(part)
    for part in (schema.get("items"), *schema.get("anyOf", ())):
        yield from _parts(part)
