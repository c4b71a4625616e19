"""What the client of a Qdrant server makes of its answers, and of their absence."""

import json
from collections.abc import Callable

import httpx
import pytest
from qdrant_client import AsyncQdrantClient

from kit.adapters.qdrant_server import QdrantServer
from kit.errors import DependencyDown, Permanent
from tests.ports.vectors_fixtures import DIMENSIONS, point, query

Answer = Callable[[httpx.Request], httpx.Response]

COLLECTION = {
    "status": "green",
    "optimizer_status": "ok",
    "segments_count": 1,
    "payload_schema": {},
    "config": {
        "params": {"vectors": {"dense": {"size": DIMENSIONS, "distance": "Cosine"}}},
        "hnsw_config": {"m": 16, "ef_construct": 100, "full_scan_threshold": 10000},
        "optimizer_config": {
            "deleted_threshold": 0.2,
            "vacuum_min_vector_number": 1000,
            "default_segment_number": 0,
            "flush_interval_sec": 5,
        },
    },
}


def server(points: Answer, *, version: str = "1.20.0", exists: bool = True, creating: int = 200) -> QdrantServer:
    """A store whose server answers as told to whatever concerns points."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/":
            return httpx.Response(200, json={"title": "qdrant", "version": version})
        if request.url.path.endswith("/exists"):
            return httpx.Response(200, json={"result": {"exists": exists}})
        if request.url.path.endswith("/index"):
            return httpx.Response(200, json={"result": {"operation_id": 1, "status": "completed"}})
        if request.url.path == "/collections/chunks":
            return (
                httpx.Response(200, json={"result": COLLECTION})
                if request.method == "GET"
                else httpx.Response(creating, json={"result": True})
            )
        return points(request)

    client = AsyncQdrantClient(url="http://qdrant", transport=httpx.MockTransport(answer), check_compatibility=False)
    return QdrantServer(client, "chunks")


def status(code: int) -> Answer:
    """A server that answers every request about points with that status."""
    return lambda request: httpx.Response(code, json={"status": {"error": "said the server"}}, headers={"retry-after": "1"})


@pytest.mark.parametrize("code", [400, 413, 422])
async def test_a_refused_request_is_permanent(code: int) -> None:
    """The same request would be refused again."""
    store = server(status(code))
    await store.ensure(DIMENSIONS)
    with pytest.raises(Permanent) as refused:
        await store.upsert([point(1)])

    assert refused.value.code == "vector_request_refused"


@pytest.mark.parametrize("code", [401, 403, 404, 408, 429, 500, 503])
async def test_a_server_that_cannot_serve_is_down(code: int) -> None:
    """A wrong key, a missing collection and overload are not the fault of the message in hand."""
    store = server(status(code))
    await store.ensure(DIMENSIONS)
    with pytest.raises(DependencyDown) as down:
        await store.search(query())

    assert down.value.code == "vector_store_down"


async def test_a_server_that_does_not_answer_is_down() -> None:
    """Nothing listens on that port."""
    client = AsyncQdrantClient(url="http://127.0.0.1:1", timeout=2, check_compatibility=False)
    with pytest.raises(DependencyDown, match="check its address"):
        await QdrantServer(client, "chunks").ensure(DIMENSIONS)


async def test_a_server_without_conditional_upserts_is_refused() -> None:
    """It would ignore the condition and hide what is shown."""
    with pytest.raises(Permanent) as refused:
        await server(status(200), version="1.15.5").ensure(DIMENSIONS)

    assert refused.value.code == "vector_store_too_old"


async def test_losing_the_race_to_create_is_no_error() -> None:
    """Another replica made the collection in between."""
    await server(status(200), exists=False, creating=409).ensure(DIMENSIONS)


async def test_writes_wait_and_are_conditional() -> None:
    """A write returns when it is searchable, and touches no shown point."""
    asked: list[httpx.Request] = []

    def keep(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"result": {"operation_id": 1, "status": "completed"}})

    store = server(keep)
    await store.ensure(DIMENSIONS)
    await store.upsert([point(n) for n in range(300)])

    assert [request.url.params["wait"] for request in asked] == ["true", "true"]
    assert {"must_not": [{"key": "visible", "match": {"any": [1]}}]}.items() <= json.loads(asked[0].content)["update_filter"].items()
