"""An in-memory vector store that ranks as Qdrant does: cosine, and BM25 with IDF."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import log
from uuid import UUID

import numpy as np

from kit.ports.sparse import SparseVector
from kit.ports.vectors import (
    Chunk,
    Hit,
    Point,
    Range,
    Vector,
    VectorQuery,
    around,
    mismatch,
    number_of,
    opened,
    require_dimensions,
)


@dataclass
class InMemoryVectors:
    """`VectorStore` in two dictionaries: every point by chunk id, and the ids of the shown ones."""

    points: dict[UUID, Point] = field(default_factory=dict)
    shown: set[UUID] = field(default_factory=set)
    dimensions: int | None = None

    async def ensure(self, dimensions: int) -> None:
        if self.dimensions not in (None, dimensions):
            raise mismatch(dimensions, opened(self.dimensions))
        self.dimensions = dimensions

    async def upsert(self, points: Sequence[Point]) -> None:
        require_dimensions((point.dense for point in points), opened(self.dimensions))
        self.points.update({point.chunk.chunk_id: point for point in points if point.chunk.chunk_id not in self.shown})

    async def show(self, document_id: str, version: int) -> None:
        self.shown.update(chunk.chunk_id for chunk in self._chunks(document_id) if chunk.document_version == version)

    async def remove(self, document_id: str, below: int) -> None:
        gone = {chunk.chunk_id for chunk in self._chunks(document_id) if chunk.document_version < below}
        self.points = {chunk_id: point for chunk_id, point in self.points.items() if chunk_id not in gone}
        self.shown -= gone

    async def search(self, query: VectorQuery) -> list[Hit]:
        require_dimensions([query.dense] if query.dense is not None else [], opened(self.dimensions))
        visible = [self.points[chunk_id] for chunk_id in self.shown if _passes(self.points[chunk_id].chunk, query)]
        ranked = query.ranked({name: self._list(name, query, visible)[: query.depth()] for name in query.lists()})
        held = {fused.key: self.points[fused.key] for fused in ranked}
        return [Hit(held[fused.key].chunk, fused.score, fused.places, held[fused.key].dense if query.vectors else None) for fused in ranked]

    async def neighbours(self, chunks: Sequence[Chunk], before: int, after: int) -> list[list[Chunk]]:
        opened(self.dimensions)
        return around(chunks, [self.points[chunk_id].chunk for chunk_id in self.shown], before, after)

    async def count(self, document_id: str | None = None) -> int:
        return len(self.points) if document_id is None else len(self._chunks(document_id))

    def _chunks(self, document_id: str) -> list[Chunk]:
        return [point.chunk for point in self.points.values() if point.chunk.document_id == document_id]

    def _list(self, name: str, query: VectorQuery, visible: Sequence[Point]) -> list[tuple[UUID, float]]:
        vector = query.lists()[name]
        if isinstance(vector, SparseVector):
            weights = self._with_idf(vector)
            scores = {p.chunk.chunk_id: _dot(weights, p.sparse) for p in visible if not weights.keys().isdisjoint(p.sparse.indices)}
        else:
            scores = {point.chunk.chunk_id: _cosine(vector, point.dense) for point in visible}
        return sorted(scores.items(), key=lambda pair: (-pair[1], pair[0]))

    def _with_idf(self, query: SparseVector) -> dict[int, float]:
        texts = [point.sparse.indices for point in self.points.values() if point.sparse.indices]
        holding = Counter(term for indices in texts for term in indices)
        return {
            term: weight * log((len(texts) - holding[term] + 0.5) / (holding[term] + 0.5) + 1)
            for term, weight in zip(query.indices, query.values, strict=True)
        }


def _passes(chunk: Chunk, query: VectorQuery) -> bool:
    narrowed = query.filter
    return (
        chunk.tenant_id == query.tenant_id
        and (not narrowed.document_ids or chunk.document_id in narrowed.document_ids)
        and (not narrowed.media_types or chunk.media_type in narrowed.media_types)
        and chunk.document_id not in narrowed.without_documents
        and all(chunk.metadata.get(key) in values for key, values in _sets(narrowed.metadata))
        and all(chunk.metadata.get(key) not in values for key, values in _sets(narrowed.without_metadata))
        and all(_within(bounds, number_of(chunk.metadata.get(key, ""))) for key, bounds in narrowed.ranges.items())
    )


def _sets(metadata: Mapping[str, str | tuple[str, ...]]) -> list[tuple[str, set[str | None]]]:
    return [(key, {values} if isinstance(values, str) else set(values)) for key, values in metadata.items() if values != ()]


def _within(range: Range, number: float | None) -> bool:
    low, high = range.at_least, range.at_most
    return number is not None and (low is None or number >= low) and (high is None or number <= high)


def _cosine(a: Vector, b: Vector) -> float:
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def _dot(weights: dict[int, float], vector: SparseVector) -> float:
    return sum(weights.get(term, 0.0) * value for term, value in zip(vector.indices, vector.values, strict=True))
