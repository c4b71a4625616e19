"""An in-memory vector store that ranks as Qdrant does: cosine, BM25 with IDF, DBSF fusion."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log
from uuid import UUID

import numpy as np

from kit.ports.sparse import SparseVector
from kit.ports.vectors import Chunk, Filter, Hit, Point, Vector, VectorQuery, best_first, mismatch, opened, require_dimensions


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
        found = [self.points[chunk_id] for chunk_id in self.shown if _passes(self.points[chunk_id].chunk, query)]
        lists = []
        if query.dense is not None:
            require_dimensions([query.dense], opened(self.dimensions))
            lists.append([Hit(point.chunk, _cosine(query.dense, point.dense)) for point in found])
        if query.sparse is not None and query.sparse.indices:
            weights = self._with_idf(query.sparse)
            lists.append([Hit(p.chunk, _dot(weights, p.sparse)) for p in found if not weights.keys().isdisjoint(p.sparse.indices)])
        if len(lists) == 2:
            return _fused([best_first(hits)[: query.candidates] for hits in lists])[: query.limit]
        return best_first(lists[0])[: query.limit] if lists else []

    async def count(self, document_id: str | None = None) -> int:
        return len(self.points) if document_id is None else len(self._chunks(document_id))

    def _chunks(self, document_id: str) -> list[Chunk]:
        return [point.chunk for point in self.points.values() if point.chunk.document_id == document_id]

    def _with_idf(self, query: SparseVector) -> dict[int, float]:
        texts = [point.sparse.indices for point in self.points.values() if point.sparse.indices]
        holding = Counter(term for indices in texts for term in indices)
        return {
            term: weight * log((len(texts) - holding[term] + 0.5) / (holding[term] + 0.5) + 1)
            for term, weight in zip(query.indices, query.values, strict=True)
        }


def _passes(chunk: Chunk, query: VectorQuery) -> bool:
    narrowed: Filter = query.filter
    return (
        chunk.tenant_id == query.tenant_id
        and (not narrowed.document_ids or chunk.document_id in narrowed.document_ids)
        and (not narrowed.media_types or chunk.media_type in narrowed.media_types)
        and narrowed.metadata.items() <= chunk.metadata.items()
    )


def _cosine(a: Vector, b: Vector) -> float:
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def _dot(weights: dict[int, float], vector: SparseVector) -> float:
    return sum(weights.get(term, 0.0) * value for term, value in zip(vector.indices, vector.values, strict=True))


def _fused(lists: list[list[Hit]]) -> list[Hit]:
    scores: defaultdict[UUID, float] = defaultdict(float)
    for hits in lists:
        for hit, score in zip(hits, _spread([hit.score for hit in hits]), strict=True):
            scores[hit.chunk.chunk_id] += score
    chunks = {hit.chunk.chunk_id: hit.chunk for hits in lists for hit in hits}
    return best_first(Hit(chunks[chunk_id], score) for chunk_id, score in scores.items())


def _spread(scores: list[float]) -> list[float]:
    """DBSF: mean - 3 sigma (of the sample) becomes 0, mean + 3 sigma becomes 1; a list without spread becomes all 0.5."""
    if len(set(scores)) < 2:
        return [0.5] * len(scores)
    values = np.array(scores)
    low = values.mean() - 3 * values.std(ddof=1)
    spread: list[float] = ((values - low) / (6 * values.std(ddof=1))).tolist()
    return spread
