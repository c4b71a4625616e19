"""The vector store in this process: the Qdrant engine of `qdrant-edge-py`, for the embedded stack and for tests.

What was measured on version 0.9 shapes this adapter:

* The engine holds Python's global lock during every call, so a thread would stall the event loop just as long and add two switches. Calls
  are therefore made in place, and each is kept short. They cannot overlap either, so a reader never sees half an operation.
* A write is in the write-ahead log, a mapped file, before the call returns: it survives `kill -9`. Only `flush` syncs files to the disk
  (10 to 70 ms), so it follows `show` and `remove`, which change a reader's view, but at most every five seconds: a power cut can cost what
  came since, and the log that is replayed at opening stays short.
* Search is exact: no HNSW graph is built (`indexing_threshold=0`). With the payload indexes a graph gains nothing at 10,000 points, and
  building it stalls the process for 4 to 11 s. `optimize` is then only a vacuum, and runs at opening alone.
* Lists are fused by us and not by the engine, for 0.4 ms more a search over 10,000 points (3.8 against 3.4 ms): so all stores rank alike,
  there is convex fusion, and a hit can tell its places.
"""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

import qdrant_edge as engine
from qdrant_edge import EdgeShard, FieldCondition, MatchAny, MatchValue, UpdateOperation

from kit.adapters.qdrant_payload import (
    FLOAT_INDEXES,
    INTEGER_INDEXES,
    KEY,
    KEYWORD_INDEXES,
    METADATA_NUMBERS,
    SHOWN,
    VALUE,
    VISIBLE,
    Condition,
    Conditions,
    Either,
    NoneOf,
    NumberWithin,
    OneOf,
    Within,
    batches,
    found_by,
    of_document,
    of_version,
    older_than,
    standing_around,
    to_chunk,
    to_hits,
    to_id,
    to_payload,
)
from kit.clock import Clock, SystemClock
from kit.errors import DependencyDown, Permanent
from kit.ports.sparse import SparseVector
from kit.ports.vectors import (
    DENSE,
    SPARSE,
    Chunk,
    Hit,
    Point,
    Range,
    Vector,
    VectorQuery,
    around,
    mismatch,
    opened,
    require_dimensions,
)

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
        self._update(UpdateOperation.delete_points_by_filter(_all_of(older_than(document_id, below))), flush=True)

    async def search(self, query: VectorQuery) -> list[Hit]:
        require_dimensions([query.dense] if query.dense is not None else [], opened(self._dimensions))
        lists = query.lists()
        with _EngineErrors(self._folder):
            answers = opened(self._shard).query_batch(_request(query, lists))
            found = {name: [(to_id(point), point.score) for point in points] for name, points in zip(lists, answers, strict=True)}
            ranked = query.ranked(found)
            chosen: list[engine.PointId] = [fused.key for fused in ranked]
            points = opened(self._shard).retrieve(chosen, with_payload=True, with_vector=[DENSE] if query.vectors else False)
        return to_hits(ranked, points)

    async def neighbours(self, chunks: Sequence[Chunk], before: int, after: int) -> list[list[Chunk]]:
        near = _all_of(standing_around(chunks, before, after))
        most = len(chunks) * (before + 1 + after)
        with _EngineErrors(self._folder):
            shard = opened(self._shard)
            points = shard.scroll(engine.ScrollRequest(limit=most, filter=near, with_payload=True))[0] if chunks else []
        return around(chunks, map(to_chunk, points), before, after)

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
    kinds = {
        **dict.fromkeys(KEYWORD_INDEXES, engine.PayloadSchemaType.Keyword),
        **dict.fromkeys(INTEGER_INDEXES, engine.PayloadSchemaType.Integer),
        **dict.fromkeys(FLOAT_INDEXES, engine.PayloadSchemaType.Float),
    }
    for name in kinds.keys() - shard.info().payload_schema.keys():
        shard.update(UpdateOperation.create_field_index(name, kinds[name]))
    return shard


def _point(point: Point) -> engine.Point:
    vectors: dict[str, engine.NamedVector] = {DENSE: _comparable(point.dense)}
    if point.sparse.indices:
        vectors[SPARSE] = _comparable(point.sparse)
    return engine.Point(str(point.chunk.chunk_id), vectors, to_payload(point.chunk))


def _request(query: VectorQuery, lists: Mapping[str, Vector | SparseVector]) -> engine.QueryBatchRequest:
    narrowed, depth = _all_of(found_by(query)), query.depth()
    nearest = [engine.Query.Nearest(_comparable(vector), using=name) for name, vector in lists.items()]
    return engine.QueryBatchRequest([engine.QueryRequest(limit=depth, query=one, filter=narrowed) for one in nearest])


def _comparable(vector: Vector | SparseVector) -> "engine.NamedVector":
    if isinstance(vector, SparseVector):
        return engine.SparseVector(list(vector.indices), list(vector.values))
    values: list[float] = vector.tolist()
    return values


def _all_of(conditions: Conditions) -> engine.Filter:
    return engine.Filter(must=[_condition(condition) for condition in conditions])


def _condition(condition: Condition) -> "engine.ConditionType":
    match condition:
        case OneOf(field, [value]):  # not by MatchAny, which takes half a millisecond more over 10,000 points
            return FieldCondition(field, match=MatchValue(value))
        case OneOf(field, values):
            return FieldCondition(field, match=MatchAny(values))
        case NoneOf(field, values):
            return engine.Filter(must_not=[_condition(OneOf(field, values))])
        case Within(field, range):
            return FieldCondition(field, range=_range(range))
        case NumberWithin(key, range):
            its_value = FieldCondition(VALUE, range=_range(range))
            return engine.NestedCondition(METADATA_NUMBERS, engine.Filter(must=[FieldCondition(KEY, match=MatchValue(key)), its_value]))
        case Either(alternatives):
            return engine.Filter(should=[_all_of(conditions) for conditions in alternatives])


def _range(range: Range) -> engine.RangeFloat:
    return engine.RangeFloat(gte=range.at_least, lte=range.at_most)
