"""The role that keeps chunks with their vectors and finds the nearest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from kit.ports.sparse import SparseVector

Vector = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage of one version of a document: `text` stands at `[start, end)` (code points) of its extracted text."""

    chunk_id: UUID
    tenant_id: str
    document_id: str
    document_version: int
    document_sha256: str
    chunk_no: int
    text: str
    title: str
    media_type: str
    start: int
    end: int
    page: int | None = None
    heading: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Point:
    """A chunk with its vectors: `dense` of shape (dimensions,), unit length."""

    chunk: Chunk
    dense: Vector
    sparse: SparseVector


@dataclass(frozen=True, slots=True)
class Filter:
    """Narrows a search; all given conditions must hold. Empty tuples and mappings do not narrow."""

    document_ids: tuple[str, ...] = ()
    media_types: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VectorQuery:
    """A hybrid search. With both vectors, two candidate lists of `candidates` each are fused by DBSF; with one, that list alone ranks."""

    tenant_id: str
    limit: int
    dense: Vector | None = None
    sparse: SparseVector | None = None
    candidates: int = 50
    filter: Filter = Filter()


@dataclass(frozen=True, slots=True)
class Hit:
    """A found chunk. Scores order one result list and mean nothing across lists."""

    chunk: Chunk
    score: float


class VectorStore(Protocol):
    """Promise: a point is found only after `show`, only by its tenant, and writing the same point twice is writing it once.

    Every method raises DependencyDown if the store does not answer, Permanent if a vector has the wrong length.
    """

    async def ensure(self, dimensions: int) -> None:
        """Makes the collection if there is none; raises Permanent if there is one of other dimensions."""
        ...

    async def upsert(self, points: Sequence[Point]) -> None:
        """Writes points, hidden until their version is shown; a point that is shown already stays shown."""
        ...

    async def show(self, document_id: str, version: int) -> None:
        """Makes all points of that version visible."""
        ...

    async def remove(self, document_id: str, below: int) -> None:
        """Removes all points of every version smaller than `below`."""
        ...

    async def search(self, query: VectorQuery) -> list[Hit]:
        """The best visible chunks, best first; equal scores are ordered by chunk id."""
        ...

    async def count(self, document_id: str | None = None) -> int:
        """How many points there are, hidden ones included."""
        ...
