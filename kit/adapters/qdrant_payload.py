"""How a chunk lies in a Qdrant point, the same in a server and in the in-process engine."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Any
from uuid import UUID

from kit.ports.sparse import SparseVector
from kit.ports.vectors import Chunk, Point, Vector, VectorQuery

DENSE = "dense"
SPARSE = "sparse"

# 1 after `show`, 0 before. A number, because qdrant-edge-py 0.9 turns a bool to match into a number, which then matches no bool.
VISIBLE = "visible"

# The metadata again as a list of JSON pairs: one index serves every key, and a key may hold quotes, which a path into `metadata` may not.
METADATA_PAIRS = "metadata_pairs"

# What searches and writes filter by. A filter on a field without an index reads the payload of every point: 20 times slower at 10,000.
KEYWORD_INDEXES = ("tenant_id", "document_id", "media_type", METADATA_PAIRS)
INTEGER_INDEXES = ("document_version", VISIBLE)

_CHUNK_FIELDS = tuple(field.name for field in fields(Chunk) if field.name != "chunk_id")

# All must hold: the payload field has one of the values.
Conditions = list[tuple[str, list[str] | list[int]]]

SHOWN: Conditions = [(VISIBLE, [1])]


def to_payload(chunk: Chunk) -> dict[str, Any]:
    """The payload of a hidden point; its id is the chunk's."""
    payload: dict[str, Any] = {name: getattr(chunk, name) for name in _CHUNK_FIELDS}
    pairs = [_pair(key, value) for key, value in chunk.metadata.items()]
    return payload | {"metadata": dict(chunk.metadata), METADATA_PAIRS: pairs, VISIBLE: 0}


def to_chunk(point_id: object, payload: Mapping[str, Any]) -> Chunk:
    """The chunk of a point."""
    return Chunk(chunk_id=UUID(str(point_id)), **{name: payload[name] for name in _CHUNK_FIELDS if name in payload})


def of_document(document_id: str) -> Conditions:
    """Selects every point of a document."""
    return [("document_id", [document_id])]


def of_version(document_id: str, version: int) -> Conditions:
    """Selects every point of a version of a document."""
    return [*of_document(document_id), ("document_version", [version])]


def found_by(query: VectorQuery) -> Conditions:
    """Selects what a search may find: shown, of its tenant, and passing its filter."""
    narrowed = query.filter
    conditions: Conditions = [*SHOWN, ("tenant_id", [query.tenant_id])]
    if narrowed.document_ids:
        conditions.append(("document_id", list(narrowed.document_ids)))
    if narrowed.media_types:
        conditions.append(("media_type", list(narrowed.media_types)))
    conditions.extend((METADATA_PAIRS, [_pair(key, value)]) for key, value in narrowed.metadata.items())
    return conditions


def candidate_lists(query: VectorQuery) -> list[tuple[str, Vector | SparseVector]]:
    """The lists a search fuses: the name of the vector and the vector to compare with."""
    lists: list[tuple[str, Vector | SparseVector]] = []
    if query.dense is not None:
        lists.append((DENSE, query.dense))
    if query.sparse is not None and query.sparse.indices:
        lists.append((SPARSE, query.sparse))
    return lists


def batches(points: Sequence[Point], size: int) -> Iterator[Sequence[Point]]:
    """Cuts a long write into pieces of at most `size` points."""
    return (points[start : start + size] for start in range(0, len(points), size))


def _pair(key: str, value: str) -> str:
    return json.dumps([key, value], ensure_ascii=False)
