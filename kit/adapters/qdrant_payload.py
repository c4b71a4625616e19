"""How a chunk lies in a Qdrant point, the same in a server and in the in-process engine."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Protocol
from uuid import UUID

import numpy as np

from kit.fusion import Fused
from kit.ports.vectors import DENSE, Chunk, Filter, Hit, Point, Range, VectorQuery, number_of

# 1 after `show`, 0 before. A number, because qdrant-edge-py 0.9 turns a bool to match into a number, which then matches no bool.
VISIBLE = "visible"

# The metadata again as a list of JSON pairs: one index serves every key, and a key may hold quotes, which a path into `metadata` may not.
METADATA_PAIRS = "metadata_pairs"

# And the values that are numbers or dates, as a list of objects, for ranges.
METADATA_NUMBERS = "metadata_numbers"
KEY, VALUE = "key", "value"

# What searches and writes filter by. A filter on a field without an index reads the payload of every point: 20 times slower at 10,000.
KEYWORD_INDEXES = ("tenant_id", "document_id", "media_type", METADATA_PAIRS, f"{METADATA_NUMBERS}[].{KEY}")
INTEGER_INDEXES = ("document_version", "chunk_no", VISIBLE)
FLOAT_INDEXES = (f"{METADATA_NUMBERS}[].{VALUE}",)

_CHUNK_FIELDS = tuple(field.name for field in fields(Chunk) if field.name != "chunk_id")


@dataclass(frozen=True, slots=True)
class OneOf:
    """The payload field has one of the values."""

    field: str
    values: list[str] | list[int]


@dataclass(frozen=True, slots=True)
class NoneOf:
    """The payload field has none of the values."""

    field: str
    values: list[str] | list[int]


@dataclass(frozen=True, slots=True)
class Within:
    """The payload field is in the range."""

    field: str
    range: Range


@dataclass(frozen=True, slots=True)
class NumberWithin:
    """The metadata has a number or date under the key that is in the range."""

    key: str
    range: Range


@dataclass(frozen=True, slots=True)
class Either:
    """All conditions of at least one alternative hold."""

    alternatives: list["Conditions"]


Condition = OneOf | NoneOf | Within | NumberWithin | Either

# All must hold.
Conditions = list[Condition]

SHOWN: Conditions = [OneOf(VISIBLE, [1])]


class StoredPoint(Protocol):
    """A point as server and engine give it."""

    @property
    def id(self) -> int | str | UUID: ...
    @property
    def payload(self) -> dict[str, Any] | None: ...
    @property
    def vector(self) -> Any: ...


def to_payload(chunk: Chunk) -> dict[str, Any]:
    """The payload of a hidden point; its id is the chunk's."""
    payload: dict[str, Any] = {name: getattr(chunk, name) for name in _CHUNK_FIELDS}
    pairs = [_pair(key, value) for key, value in chunk.metadata.items()]
    numbers = [{KEY: key, VALUE: number} for key, value in chunk.metadata.items() if (number := number_of(value)) is not None]
    return payload | {"metadata": dict(chunk.metadata), METADATA_PAIRS: pairs, METADATA_NUMBERS: numbers, VISIBLE: 0}


def to_chunk(point: StoredPoint) -> Chunk:
    """The chunk of a point."""
    payload = point.payload or {}
    return Chunk(chunk_id=to_id(point), **{name: payload[name] for name in _CHUNK_FIELDS if name in payload})


def to_id(point: StoredPoint) -> UUID:
    """The chunk's id of a point."""
    return point.id if isinstance(point.id, UUID) else UUID(str(point.id))


def to_hits(ranked: Sequence[Fused[UUID]], points: Iterable[StoredPoint]) -> list[Hit]:
    """The hits of a ranking, in its order; what has been removed since it was made is left out."""
    held = {to_id(point): point for point in points}
    return [
        Hit(to_chunk(point), fused.score, fused.places, np.array(point.vector[DENSE], np.float32) if point.vector else None)
        for fused in ranked
        if (point := held.get(fused.key))
    ]


def of_document(document_id: str) -> Conditions:
    """Selects every point of a document."""
    return [OneOf("document_id", [document_id])]


def of_version(document_id: str, version: int) -> Conditions:
    """Selects every point of a version of a document."""
    return [*of_document(document_id), OneOf("document_version", [version])]


def older_than(document_id: str, version: int) -> Conditions:
    """Selects every point of a document's versions before this one."""
    return [*of_document(document_id), Within("document_version", Range(at_most=version - 1))]


def standing_around(chunks: Sequence[Chunk], before: int, after: int) -> Conditions:
    """Selects the shown neighbours of each chunk, itself included."""
    return [*SHOWN, Either([_near(chunk, before, after) for chunk in chunks])]


def found_by(query: VectorQuery) -> Conditions:
    """Selects what a search may find: shown, of its tenant, and passing its filter."""
    return [*SHOWN, OneOf("tenant_id", [query.tenant_id]), *_narrowed(query.filter)]


def batches(points: Sequence[Point], size: int) -> Iterator[Sequence[Point]]:
    """Cuts a long write into pieces of at most `size` points."""
    return (points[start : start + size] for start in range(0, len(points), size))


def _near(chunk: Chunk, before: int, after: int) -> Conditions:
    places = Range(chunk.chunk_no - before, chunk.chunk_no + after)
    tenant = OneOf("tenant_id", [chunk.tenant_id])
    return [tenant, *of_version(chunk.document_id, chunk.document_version), Within("chunk_no", places)]


def _narrowed(filter: Filter) -> Conditions:
    wanted = {"document_id": filter.document_ids, "media_type": filter.media_types}
    return [
        *(OneOf(field, list(values)) for field, values in wanted.items() if values),
        *(OneOf(METADATA_PAIRS, pairs) for pairs in _pairs(filter.metadata)),
        *(NumberWithin(key, bounds) for key, bounds in filter.ranges.items()),
        *([NoneOf("document_id", list(filter.without_documents))] if filter.without_documents else []),
        *(NoneOf(METADATA_PAIRS, pairs) for pairs in _pairs(filter.without_metadata)),
    ]


def _pairs(metadata: Mapping[str, str | tuple[str, ...]]) -> Iterator[list[str]]:
    """For each key the pairs of which one is meant."""
    for key, values in metadata.items():
        if values := (values,) if isinstance(values, str) else values:
            yield [_pair(key, value) for value in values]


def _pair(key: str, value: str) -> str:
    return json.dumps([key, value], ensure_ascii=False)
