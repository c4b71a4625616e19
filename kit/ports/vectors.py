"""The role that keeps chunks with their vectors and finds the nearest."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from kit.errors import DependencyDown, Permanent
from kit.ports.sparse import SparseVector

Vector = NDArray[np.float32]
T = TypeVar("T")


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
    metadata: Mapping[str, str] = field(default_factory=dict, hash=False)


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
    """A hybrid search. With both vectors, two candidate lists of `candidates` each are fused by DBSF; with one, that list alone ranks.

    DBSF (distribution-based score fusion): each list's scores are mapped so that mean - 3 sigma becomes 0 and mean + 3 sigma becomes 1,
    then summed by chunk. A sparse vector without terms finds nothing and counts as not given; without any vector nothing is found.
    """

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

    Sparse weights are multiplied by the term's IDF over all points, hidden ones and other tenants' included.
    Every method raises DependencyDown if the store does not answer or `ensure` was not called on this object, and Permanent
    `vector_dimensions` if a vector has the wrong length.
    """

    async def ensure(self, dimensions: int) -> None:
        """Opens the collection, making it if there is none; raises Permanent if there is one of other dimensions."""
        ...

    async def upsert(self, points: Sequence[Point]) -> None:
        """Writes points, hidden until their version is shown. A hidden point is overwritten; one that is shown stays as it is."""
        ...

    async def show(self, document_id: str, version: int) -> None:
        """Makes all points of that version visible."""
        ...

    async def remove(self, document_id: str, below: int) -> None:
        """Removes all points of every version smaller than `below`."""
        ...

    async def search(self, query: VectorQuery) -> list[Hit]:
        """The best visible chunks, best first; equal scores are ordered by chunk id (which of them make the cut is up to the store)."""
        ...

    async def count(self, document_id: str | None = None) -> int:
        """How many points there are, hidden ones included."""
        ...


def opened(part: T | None) -> T:
    """What `ensure` sets. Raises DependencyDown `vector_store_not_open` before that."""
    if part is None:
        raise DependencyDown("vector_store_not_open", "the vector store is not open yet; await ensure(dimensions) at start")
    return part


def mismatch(came: int, held: int) -> Permanent:
    """The error for a vector, or a whole model, that does not fit the collection."""
    return Permanent(
        "vector_dimensions", f"{came} dimensions came to a collection of {held}; use its embedding model or another collection"
    )


def require_dimensions(vectors: Iterable[Vector], dimensions: int) -> None:
    """Raises Permanent `vector_dimensions` at the first vector that is not of shape (dimensions,)."""
    for vector in vectors:
        if vector.shape != (dimensions,):
            raise mismatch(vector.size, dimensions)


def best_first(hits: Iterable[Hit]) -> list[Hit]:
    """Orders hits as `VectorStore.search` promises."""
    return sorted(hits, key=lambda hit: (-hit.score, hit.chunk.chunk_id))
