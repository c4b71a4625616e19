"""The role that keeps chunks with their vectors and finds the nearest."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import isfinite
from typing import Protocol, TypeVar
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from kit.errors import DependencyDown, Permanent
from kit.fusion import Fused, Fusion, Place, fuse
from kit.ports.sparse import SparseVector

Vector = NDArray[np.float32]
T = TypeVar("T")

# The names of the lists.
DENSE = "dense"
SPARSE = "sparse"


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
class Range:
    """Numbers from `at_least` to `at_most`, both included; None is no bound."""

    at_least: float | None = None
    at_most: float | None = None


@dataclass(frozen=True, slots=True)
class Filter:
    """Narrows a search; all given conditions must hold. Empty tuples and mappings do not narrow.

    A document has one of several ids, a metadata key one of several values. `ranges` bounds the values of metadata keys that are numbers
    or dates, as `number_of` reads them; any other value is outside. `without_*` leaves out what has one of the values; what has no such
    key stays.
    """

    document_ids: tuple[str, ...] = ()
    media_types: tuple[str, ...] = ()
    metadata: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    ranges: Mapping[str, Range] = field(default_factory=dict)
    without_documents: tuple[str, ...] = ()
    without_metadata: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VectorQuery:
    """A hybrid search. With both vectors, two lists of `candidates` each are fused (see kit/fusion.py); with one, that list ranks.

    `fusion_weight` is the share of the dense list in convex fusion. A sparse vector without terms finds nothing and counts as not given;
    without any vector nothing is found. `vectors` asks for the dense vectors of the hits.
    """

    tenant_id: str
    limit: int
    dense: Vector | None = None
    sparse: SparseVector | None = None
    candidates: int = 50
    filter: Filter = Filter()
    fusion: Fusion = Fusion.DBSF
    fusion_weight: float = 0.5
    vectors: bool = False

    def lists(self) -> dict[str, Vector | SparseVector]:
        """The lists to search, by name, with the vector that each compares with."""
        lists: dict[str, Vector | SparseVector] = {}
        if self.dense is not None:
            lists[DENSE] = self.dense
        if self.sparse is not None and self.sparse.indices:
            lists[SPARSE] = self.sparse
        return lists

    def depth(self) -> int:
        """How many chunks each list gives."""
        return self.candidates if len(self.lists()) > 1 else self.limit

    def ranked(self, found: Mapping[str, Sequence[tuple[UUID, float]]]) -> list[Fused[UUID]]:
        """The best of what the lists found, best first."""
        return fuse(found, self.fusion, {DENSE: self.fusion_weight, SPARSE: 1 - self.fusion_weight})[: self.limit]


@dataclass(frozen=True, slots=True)
class Hit:
    """A found chunk. Scores order one result list and mean nothing across lists.

    `places` tells its rank and score in each list that had it, by the list's name; `vector` is its dense vector, if that was asked for.
    """

    chunk: Chunk
    score: float
    places: Mapping[str, Place] = field(default_factory=dict, hash=False)
    vector: Vector | None = field(default=None, compare=False)


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

    async def neighbours(self, chunks: Sequence[Chunk], before: int, after: int) -> list[list[Chunk]]:
        """For each chunk those that stand around it in its version, and itself: `before` ahead of it and `after` behind, in text order.

        None of what is not visible: all of a version that is gone is missing.
        """
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


def number_of(value: str) -> float | None:
    """What a metadata value is in a range: itself, or the seconds since 1970 of an ISO 8601 date or time (UTC unless it says)."""
    try:
        number = float(value)
    except ValueError:
        return _seconds(value)
    return number if isfinite(number) else None


def _seconds(value: str) -> float | None:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def around(chunks: Sequence[Chunk], found: Iterable[Chunk], before: int, after: int) -> list[list[Chunk]]:
    """Deals what a store found to the chunks it stands around, as `VectorStore.neighbours` promises."""
    versions: defaultdict[tuple[str, str, int], list[Chunk]] = defaultdict(list)
    for chunk in sorted(found, key=lambda chunk: chunk.chunk_no):
        versions[_version(chunk)].append(chunk)
    return [[other for other in versions[_version(chunk)] if -before <= other.chunk_no - chunk.chunk_no <= after] for chunk in chunks]


def _version(chunk: Chunk) -> tuple[str, str, int]:
    return (chunk.tenant_id, chunk.document_id, chunk.document_version)
