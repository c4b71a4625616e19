"""The vector store in this process: the Qdrant engine of `qdrant-edge-py`, for the embedded stack and for tests.

What was measured on version 0.9 shapes this adapter:

* The engine holds Python's global lock during every call, so a thread would stall the event loop just as long and add two switches. Calls
  are therefore made in place, and each is kept short. They cannot overlap either, so a reader never sees half an operation.
* A write is in the write-ahead log, a mapped file, before the call returns: it survives `kill -9`. Only `flush` syncs files to the disk
  (10 to 70 ms), so it follows `show` and `remove`, which change a reader's view, but at most every five seconds: a power cut can cost what
  came since, and the log that is replayed at opening stays short.
* Search is exact: no HNSW graph is built (`indexing_threshold=0`). With the payload indexes a graph gains nothing at 10,000 points, and
  building it stalls the process for 4 to 11 s. `optimize` is then only a vacuum, and runs at opening alone.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import qdrant_edge as engine
from qdrant_edge import EdgeShard, FieldCondition, MatchAny, MatchValue, UpdateOperation

from kit.adapters.qdrant_payload import (
    DENSE,
    INTEGER_INDEXES,
    KEYWORD_INDEXES,
    SHOWN,
    SPARSE,
    VISIBLE,
    Conditions,
    batches,
    candidate_lists,
    found_by,
    of_document,
    of_version,
    to_chunk,
    to_payload,
)
from kit.clock import Clock, SystemClock
from kit.errors import DependencyDown, Permanent
from kit.ports.sparse import SparseVector
from kit.ports.vectors import Hit, Point, Vector, VectorQuery, best_first, mismatch, opened, require_dimensions

# Points the engine takes in about 3 ms, the longest a write keeps the event loop from a search.
_BATCH = 64
_FLUSH_EVERY_S = 5.0


class QdrantEdge:
    """`VectorStore` in the folder `path / collection`, which only one process may have open. Call `close` at the end."""

    def __init__(self, path: Path, collection: str, clock: Clock | None = None) -> None:
        self._folder = path / collection
        self._clock = clock or SystemClock()
        self._flushed_at = float("-inf")
        self._shard: EdgeShard | None = None
        self._dimensions: int | None = None

    async def ensure(self, dimensions: int) -> None:
        if self._dimensions not in (None, dimensions):
            raise mismatch(dimensions, opened(self._dimensions))
        with _EngineErrors(self._folder):
            self._shard = self._shard or _open(self._folder, dimensions)
        self._dimensions = dimensions

    async def upsert(self, points: Sequence[Point]) -> None:
        require_dimensions((point.dense for point in points), opened(self._dimensions))
        # One atomic operation keeps a late redelivery harmless: the engine updates only what is not shown, and inserts what is missing.
        hidden = engine.Filter(must_not=_all_of(SHOWN).must)
        for batch in batches(points, _BATCH):
            self._update(UpdateOperation.upsert_points([_point(point) for point in batch], condition=hidden))
            await asyncio.sleep(0)

    async def show(self, document_id: str, version: int) -> None:
        self._update(UpdateOperation.set_payload_by_filter(_all_of(of_version(document_id, version)), {VISIBLE: 1}), flush=True)

    async def remove(self, document_id: str, below: int) -> None:
        older = FieldCondition("document_version", range=engine.RangeFloat(lt=below))
        chosen = engine.Filter(must=[*_conditions(of_document(document_id)), older])
        self._update(UpdateOperation.delete_points_by_filter(chosen), flush=True)

    async def search(self, query: VectorQuery) -> list[Hit]:
        require_dimensions([query.dense] if query.dense is not None else [], opened(self._dimensions))
        lists = candidate_lists(query)
        if not lists:
            return []
        with _EngineErrors(self._folder):
            found = opened(self._shard).query(_request(query, lists))
        return best_first(Hit(to_chunk(point.id, point.payload or {}), point.score) for point in found)

    async def count(self, document_id: str | None = None) -> int:
        conditions = of_document(document_id) if document_id is not None else []
        with _EngineErrors(self._folder):
            return opened(self._shard).count(engine.CountRequest(exact=True, filter=_all_of(conditions)))

    def close(self) -> None:
        """Writes everything to disk and frees the folder; `ensure` opens it again."""
        if self._shard is not None:
            self._shard.close()
        self._shard = self._dimensions = None

    def _update(self, operation: UpdateOperation, *, flush: bool = False) -> None:
        with _EngineErrors(self._folder):
            opened(self._shard).update(operation)
            if flush and self._clock.monotonic() - self._flushed_at >= _FLUSH_EVERY_S:
                opened(self._shard).flush()
                self._flushed_at = self._clock.monotonic()


class _EngineErrors:
    """Translates the engine's errors, which are all bare `Exception`s that only their text tells apart. Subclasses are not the engine's."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is not Exception:
            return
        if "Incompatible config" in str(error):
            raise Permanent(
                "vector_dimensions", f"{self._folder} holds vectors of another length ({error}); use another collection"
            ) from error
        if "WouldBlock" in str(error):
            raise DependencyDown("vector_folder_in_use", f"another process has {self._folder} open; stop it first") from error
        raise DependencyDown("vector_store_down", f"the vector engine failed on {self._folder}: {error}") from error


def _open(folder: Path, dimensions: int) -> EdgeShard:
    folder.mkdir(parents=True, exist_ok=True)
    config = engine.EdgeConfig(
        vectors={DENSE: engine.EdgeVectorParams(size=dimensions, distance=engine.Distance.Cosine)},
        sparse_vectors={SPARSE: engine.EdgeSparseVectorParams(modifier=engine.Modifier.Idf)},
        optimizers=engine.EdgeOptimizersConfig(indexing_threshold=0),
        payload_memory=engine.Memory.Cached,
    )
    shard = EdgeShard.load(str(folder), config)
    shard.optimize()
    kinds = dict.fromkeys(KEYWORD_INDEXES, engine.PayloadSchemaType.Keyword) | dict.fromkeys(
        INTEGER_INDEXES, engine.PayloadSchemaType.Integer
    )
    for name in kinds.keys() - shard.info().payload_schema.keys():
        shard.update(UpdateOperation.create_field_index(name, kinds[name]))
    return shard


def _point(point: Point) -> engine.Point:
    vectors: dict[str, engine.NamedVector] = {DENSE: _comparable(point.dense)}
    if point.sparse.indices:
        vectors[SPARSE] = _comparable(point.sparse)
    return engine.Point(str(point.chunk.chunk_id), vectors, to_payload(point.chunk))


def _request(query: VectorQuery, lists: list[tuple[str, Vector | SparseVector]]) -> engine.QueryRequest:
    narrowed = _all_of(found_by(query))
    nearest = [engine.Query.Nearest(_comparable(vector), using=name) for name, vector in lists]
    if len(nearest) == 1:
        return engine.QueryRequest(limit=query.limit, query=nearest[0], filter=narrowed, with_payload=True)
    prefetches = [engine.Prefetch(limit=query.candidates, query=one, filter=narrowed) for one in nearest]
    fusion: engine.Fusion = engine.Fusion.Dbsf()  # type: ignore[assignment]  # it is one, but the stubs do not say so
    return engine.QueryRequest(limit=query.limit, query=fusion, prefetches=prefetches, with_payload=True)


def _comparable(vector: Vector | SparseVector) -> "engine.NamedVector":
    if isinstance(vector, SparseVector):
        return engine.SparseVector(list(vector.indices), list(vector.values))
    values: list[float] = vector.tolist()
    return values


def _all_of(conditions: Conditions) -> engine.Filter:
    return engine.Filter(must=_conditions(conditions))


def _conditions(conditions: Conditions) -> list["engine.ConditionType"]:
    # One value is matched by MatchValue: MatchAny takes half a millisecond more over 10,000 points.
    return [FieldCondition(field, match=MatchValue(values[0]) if len(values) == 1 else MatchAny(values)) for field, values in conditions]
