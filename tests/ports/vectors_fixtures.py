"""Points and queries in few words, for the tests of vector stores."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import numpy as np

from kit.fakes.sparse import WordEncoder
from kit.ports.sparse import SparseVector
from kit.ports.vectors import Chunk, Hit, Point, Vector, VectorQuery

DIMENSIONS = 4
NORTH = (1.0, 0.0, 0.0, 0.0)
EAST = (0.0, 1.0, 0.0, 0.0)
TENANT = "acme"


def vector(direction: tuple[float, ...]) -> Vector:
    """A vector of length 1."""
    values = np.array(direction, dtype=np.float32)
    return values / np.linalg.norm(values)


def chunk(number: int, **changes: Any) -> Chunk:
    """A chunk whose id is `number`."""
    values: Mapping[str, Any] = {
        "chunk_id": UUID(int=number),
        "tenant_id": TENANT,
        "document_id": "handbook",
        "document_version": 1,
        "document_sha256": "0" * 64,
        "chunk_no": number,
        "text": f"text {number}",
        "title": "Handbook",
        "media_type": "text/plain",
        "start": 0,
        "end": 6,
    }
    return Chunk(**{**values, **changes})


def point(number: int, direction: tuple[float, ...] = NORTH, **changes: Any) -> Point:
    """A point of that chunk; its sparse vector comes from its text."""
    made = chunk(number, **changes)
    [sparse] = WordEncoder().encode_documents([made.text])
    return Point(made, vector(direction), sparse)


def words(text: str) -> SparseVector:
    """The sparse vector of a question."""
    return WordEncoder().encode_query(text)


def query(direction: tuple[float, ...] | None = NORTH, text: str | None = None, **changes: Any) -> VectorQuery:
    """A search by direction, by words, or by both."""
    values: dict[str, Any] = {
        "tenant_id": TENANT,
        "limit": 10,
        "dense": vector(direction) if direction else None,
        "sparse": words(text) if text is not None else None,
    }
    return VectorQuery(**{**values, **changes})


def numbers(hits: list[Hit]) -> list[int]:
    """The numbers of the found chunks, in order."""
    return [hit.chunk.chunk_id.int for hit in hits]
