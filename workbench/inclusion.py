"""Whether everything that satisfies one JSON Schema also satisfies another, and if not, which fields are at fault.

Two libraries judge, and both must agree that it does: jsoncompat 0.3 does not read patterns, jsonsubschema 0.0.8 knows draft 4 alone.
"""

import json
from collections.abc import Iterator
from typing import Any

import jsoncompat
from jsonschema import SchemaError
from jsonsubschema import isSubschema
from jsonsubschema.exceptions import (
    UnsupportedEnumCanonicalization,
    UnsupportedNegatedArray,
    UnsupportedNegatedObject,
    UnsupportedRecursiveRef,
)

Schema = dict[str, Any]

_ANNOTATIONS = {"$schema", "$id", "$defs", "title", "description", "default", "examples", "deprecated"}
_BEYOND_JSONSUBSCHEMA = (
    SchemaError,
    UnsupportedEnumCanonicalization,
    UnsupportedNegatedArray,
    UnsupportedNegatedObject,
    UnsupportedRecursiveRef,
)


class Undecided(Exception):
    """One of the libraries cannot judge a schema; the message says why and what to do."""


def constraints(schema: Schema) -> Schema:
    """What a schema demands: annotations are left out, references replaced by what they name.

    A `format` becomes a pattern that is its name: no library compares formats, and so it counts as a set of texts that no other shares.
    Raises Undecided for a schema that refers to itself.
    """
    try:
        bare: Schema = _bare(schema, schema.get("$defs", {}))
    except RecursionError as error:
        raise Undecided("the schema refers to itself; publish a list of parts with ids instead of a tree") from error
    return bare


def opened(schema: Schema) -> Schema:
    """The reader's view of a writer's schema: fields it does not know are allowed, at every depth."""
    view: Schema = _opened(schema)
    return view


def included(inner: Schema, outer: Schema) -> bool:
    """Whether all that satisfies `inner` satisfies `outer`; both are `constraints`. Raises Undecided."""
    try:
        return jsoncompat.check_compat(json.dumps(inner), json.dumps(outer), "deserializer") and bool(isSubschema(inner, outer))
    except ValueError as error:
        raise Undecided(f"jsoncompat cannot judge it: {error}") from error
    except _BEYOND_JSONSUBSCHEMA as error:
        told = str(error).split("\n", 1)[0]
        raise Undecided(
            f"jsonsubschema cannot judge it: {told}; write it in the words of JSON Schema draft 4, such as `ge` for `gt`"
        ) from error


def faults(inner: Schema, outer: Schema, path: str = "") -> Iterator[str]:
    """Says of each field at fault, as deep as can be told, why `inner` is not included in `outer`; nothing if it is. Raises Undecided."""
    if included(inner, outer):
        return
    told = [*_fields(inner, outer, path), *_items(inner, outer, path)]
    yield from told or [f"`{path or 'value'}`: {_short(inner)} is not all within {_short(outer)}"]


def _fields(inner: Schema, outer: Schema, path: str) -> Iterator[str]:
    mine, theirs = inner.get("properties", {}), outer.get("properties", {})
    for name in sorted(set(outer.get("required", ())) - set(inner.get("required", ()))):
        yield f"`{_below(path, name)}` is required, and may be missing"
    if outer.get("additionalProperties") is False:
        for name in sorted(set(mine) - set(theirs)):
            yield f"`{_below(path, name)}` is gone"
    for name in sorted(set(mine) & set(theirs)):
        yield from faults(mine[name], theirs[name], _below(path, name))


def _items(inner: Schema, outer: Schema, path: str) -> Iterator[str]:
    if "items" in inner and "items" in outer:
        yield from faults(inner["items"], outer["items"], f"{path}[]")


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _short(schema: Schema, limit: int = 120) -> str:
    text = json.dumps(schema)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _bare(node: Any, definitions: Schema) -> Any:
    if isinstance(node, list):
        return [_bare(part, definitions) for part in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _bare(definitions[node["$ref"].rsplit("/", 1)[-1]], definitions)
    bare = {key: _bare(value, definitions) for key, value in node.items() if key not in _ANNOTATIONS | {"format", "properties"}}
    if "format" in node:
        bare["pattern"] = f"^{node['format']}$"
    if "properties" in node:
        bare["properties"] = {name: _bare(field, definitions) for name, field in node["properties"].items()}
    return bare


def _opened(node: Any) -> Any:
    if isinstance(node, list):
        return [_opened(part) for part in node]
    if not isinstance(node, dict):
        return node
    return {key: _opened(value) for key, value in node.items() if not (key == "additionalProperties" and value is False)}
