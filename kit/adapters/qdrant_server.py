"""The vector store in a Qdrant server or cluster, through `qdrant-client`. Needs Qdrant 1.16 (conditional upserts)."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus

from qdrant_client import AsyncQdrantClient, models
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

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

# Points of 1,536 dimensions that stay well below the server's limit of 32 MB a request.
_BATCH = 256

# What says that the request itself is wrong. Any other refusal (key, missing collection, overload) is no fault of the message in hand.
_REFUSED = {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNPROCESSABLE_ENTITY}

_OLDEST = (1, 16)


class QdrantServer:
    """`VectorStore` in one collection of a server. The client belongs to the caller, who sets its timeout and closes it."""

    def __init__(self, client: AsyncQdrantClient, collection: str) -> None:
        self._client = client
        self._collection = collection
        self._dimensions: int | None = None

    async def ensure(self, dimensions: int) -> None:
        if self._dimensions == dimensions:
            return
        with _translated():
            _require_version((await self._client.info()).version)
            if not await self._client.collection_exists(self._collection):
                await self._create(dimensions)
            held = (await self._client.get_collection(self._collection)).config.params.vectors
            if not isinstance(held, dict) or DENSE not in held:
                raise Permanent("vector_collection_foreign", f"{self._collection} has no vector {DENSE!r}; choose another collection name")
            if held[DENSE].size != dimensions:
                raise mismatch(dimensions, held[DENSE].size)
            await self._index_payload()
        self._dimensions = dimensions

    async def upsert(self, points: Sequence[Point]) -> None:
        require_dimensions((point.dense for point in points), opened(self._dimensions))
        # One atomic operation keeps a late redelivery harmless: the server updates only what is not shown, and inserts what is missing.
        hidden = models.Filter(must_not=_all_of(SHOWN).must)
        with _translated():
            for batch in batches(points, _BATCH):
                records = [_point(point) for point in batch]
                await self._client.upsert(self._collection, records, update_filter=hidden, wait=True)

    async def show(self, document_id: str, version: int) -> None:
        with _translated():
            chosen = _all_of(of_version(document_id, version))
            await self._client.set_payload(self._collection, payload={VISIBLE: 1}, points=chosen, wait=True)

    async def remove(self, document_id: str, below: int) -> None:
        with _translated():
            await self._client.delete(self._collection, points_selector=_all_of(older_than(document_id, below)), wait=True)

    async def search(self, query: VectorQuery) -> list[Hit]:
        require_dimensions([query.dense] if query.dense is not None else [], opened(self._dimensions))
        if not (lists := query.lists()):
            return []
        with _translated():
            answers = await self._client.query_batch_points(self._collection, _requests(query, lists))
            found = {name: [(to_id(point), point.score) for point in one.points] for name, one in zip(lists, answers, strict=True)}
            ranked = query.ranked(found)
            vectors = [DENSE] if query.vectors else False
            points = await self._client.retrieve(self._collection, [fused.key for fused in ranked], with_payload=True, with_vectors=vectors)
        return to_hits(ranked, points)

    async def neighbours(self, chunks: Sequence[Chunk], before: int, after: int) -> list[list[Chunk]]:
        opened(self._dimensions)
        if not chunks:
            return []
        near = _all_of(standing_around(chunks, before, after))
        most = len(chunks) * (before + 1 + after)
        with _translated():
            points, _ = await self._client.scroll(self._collection, scroll_filter=near, limit=most)
        return around(chunks, map(to_chunk, points), before, after)

    async def count(self, document_id: str | None = None) -> int:
        conditions = of_document(document_id) if document_id is not None else []
        with _translated():
            return (await self._client.count(self._collection, count_filter=_all_of(conditions), exact=True)).count

    async def _create(self, dimensions: int) -> None:
        try:
            await self._client.create_collection(
                self._collection,
                vectors_config={DENSE: models.VectorParams(size=dimensions, distance=models.Distance.COSINE)},
                sparse_vectors_config={SPARSE: models.SparseVectorParams(modifier=models.Modifier.IDF)},
            )
        except UnexpectedResponse as error:
            if error.status_code != HTTPStatus.CONFLICT:  # another replica was first
                raise

    async def _index_payload(self) -> None:
        kinds = {
            **dict.fromkeys(KEYWORD_INDEXES, models.PayloadSchemaType.KEYWORD),
            **dict.fromkeys(INTEGER_INDEXES, models.PayloadSchemaType.INTEGER),
            **dict.fromkeys(FLOAT_INDEXES, models.PayloadSchemaType.FLOAT),
        }
        for name, kind in kinds.items():
            await self._client.create_payload_index(self._collection, name, field_schema=kind, wait=True)


async def drop_collection(client: AsyncQdrantClient, collection: str) -> None:
    """Removes a collection with its points; one that is not there is no error. Raises DependencyDown."""
    with _translated():
        await client.delete_collection(collection)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except UnexpectedResponse as error:
        if error.status_code in _REFUSED:
            raise Permanent("vector_request_refused", f"Qdrant refused the request: {error}") from error
        raise DependencyDown("vector_store_down", f"Qdrant cannot serve: {error}; check its address, key and collection") from error
    except (ResponseHandlingException, ResourceExhaustedResponse) as error:
        raise DependencyDown("vector_store_down", f"Qdrant does not answer: {error!r}; check its address and load") from error


def _require_version(version: str) -> None:
    """An older server ignores the condition of an upsert without a word, and a redelivery would hide what is shown."""
    if tuple(int(part) for part in version.split(".")[:2]) < _OLDEST:
        raise Permanent("vector_store_too_old", f"Qdrant {version} has no conditional upsert; run at least {_OLDEST[0]}.{_OLDEST[1]}")


def _point(point: Point) -> models.PointStruct:
    vectors: dict[str, models.Vector] = {DENSE: _comparable(point.dense)}
    if point.sparse.indices:
        vectors[SPARSE] = _comparable(point.sparse)
    return models.PointStruct(id=str(point.chunk.chunk_id), vector=vectors, payload=to_payload(point.chunk))


def _comparable(vector: Vector | SparseVector) -> list[float] | models.SparseVector:
    if isinstance(vector, SparseVector):
        return models.SparseVector(indices=list(vector.indices), values=list(vector.values))
    values: list[float] = vector.tolist()
    return values


def _requests(query: VectorQuery, lists: Mapping[str, Vector | SparseVector]) -> list[models.QueryRequest]:
    narrowed, depth = _all_of(found_by(query)), query.depth()
    return [models.QueryRequest(query=_comparable(vector), using=name, filter=narrowed, limit=depth) for name, vector in lists.items()]


def _all_of(conditions: Conditions) -> models.Filter:
    return models.Filter(must=[_condition(condition) for condition in conditions])


def _condition(condition: Condition) -> models.Condition:
    match condition:
        case OneOf(field, values):
            return models.FieldCondition(key=field, match=models.MatchAny(any=values))
        case NoneOf(field, values):
            return models.Filter(must_not=[_condition(OneOf(field, values))])
        case Within(field, range):
            return models.FieldCondition(key=field, range=_range(range))
        case NumberWithin(key, range):
            named = models.FieldCondition(key=KEY, match=models.MatchValue(value=key))
            its_value = models.FieldCondition(key=VALUE, range=_range(range))
            return models.NestedCondition(nested=models.Nested(key=METADATA_NUMBERS, filter=models.Filter(must=[named, its_value])))
        case Either(alternatives):
            return models.Filter(should=[_all_of(conditions) for conditions in alternatives])


def _range(range: Range) -> models.Range:
    return models.Range(gte=range.at_least, lte=range.at_most)
