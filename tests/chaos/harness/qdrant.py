"""A vector server to take away: the part of Qdrant's HTTP interface that `QdrantServer` uses, as a process that keeps its points.

The points lie in the local mode of `qdrant-client`, which commits each write to a file: `python -m tests.chaos.harness.qdrant PORT FOLDER`.
No Qdrant server is in any package, so this one takes its place where no container engine runs.
"""

import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from pydantic_core import to_jsonable_python
from qdrant_client import QdrantClient, models
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from kit.settings import VectorEngine, VectorSettings
from tests.brokers.server import LocalServer, local_server
from workbench.stack.ports import HOST, accepts, free_port
from workbench.stack.process import Command

ROOT = Path(__file__).parents[3]

Verb = Callable[[str, bytes], Any]
Endpoint = Callable[[Request], Awaitable[JSONResponse]]


@dataclass(frozen=True, slots=True)
class Vectors:
    """A vector server to stop, kill and start; it keeps its points."""

    server: LocalServer
    port: int

    def settings(self, dimensions: int) -> VectorSettings:
        """What a service needs to use it."""
        return VectorSettings(engine=VectorEngine.SERVER, url=f"http://{HOST}:{self.port}", dimensions=dimensions)


@contextmanager
def running_vectors(folder: Path) -> Iterator[Vectors]:
    """Yields a server with its points in `folder`."""
    port = free_port()
    command = Command(
        name="qdrant",
        argv=(sys.executable, "-m", __name__, str(port), str(folder / "points")),
        folder=ROOT,
        ready=lambda: accepts(port),
    )
    with local_server(command, folder / "logs") as server:
        yield Vectors(server, port)


@dataclass(frozen=True, slots=True)
class Points:
    """What the server does; `body` is the JSON of the request."""

    client: QdrantClient

    def exists(self, collection: str, body: bytes) -> dict[str, bool]:
        return {"exists": self.client.collection_exists(collection)}

    def describe(self, collection: str, body: bytes) -> models.CollectionInfo:
        return self.client.get_collection(collection)

    def create(self, collection: str, body: bytes) -> bool:
        wanted = models.CreateCollection.model_validate_json(body)
        return self.client.create_collection(collection, wanted.vectors, wanted.sparse_vectors)

    def index(self, collection: str, body: bytes) -> models.UpdateResult:
        return models.UpdateResult(operation_id=0, status=models.UpdateStatus.COMPLETED)

    def upsert(self, collection: str, body: bytes) -> models.UpdateResult:
        wanted = models.PointsList.model_validate_json(body)
        return self.client.upsert(collection, wanted.points, update_filter=wanted.update_filter)

    def set_payload(self, collection: str, body: bytes) -> models.UpdateResult:
        wanted = models.SetPayload.model_validate_json(body)
        assert wanted.filter is not None
        return self.client.set_payload(collection, wanted.payload, wanted.filter)

    def delete(self, collection: str, body: bytes) -> models.UpdateResult:
        return self.client.delete(collection, models.FilterSelector.model_validate_json(body))

    def count(self, collection: str, body: bytes) -> models.CountResult:
        return self.client.count(collection, models.CountRequest.model_validate_json(body).filter)

    def query(self, collection: str, body: bytes) -> list[models.QueryResponse]:
        wanted = models.QueryRequestBatch.model_validate_json(body)
        return self.client.query_batch_points(collection, wanted.searches)

    def retrieve(self, collection: str, body: bytes) -> list[models.Record]:
        wanted = models.PointRequest.model_validate_json(body)
        return self.client.retrieve(collection, wanted.ids, with_payload=True, with_vectors=wanted.with_vector or False)

    def scroll(self, collection: str, body: bytes) -> models.ScrollResult:
        wanted = models.ScrollRequest.model_validate_json(body)
        points, _ = self.client.scroll(collection, wanted.filter, wanted.limit or 10)
        return models.ScrollResult(points=points)


def app(points: Points) -> Starlette:
    """The server."""
    routes: dict[tuple[str, str], Verb] = {
        ("GET", "/exists"): points.exists,
        ("GET", ""): points.describe,
        ("PUT", ""): points.create,
        ("PUT", "/index"): points.index,
        ("PUT", "/points"): points.upsert,
        ("POST", "/points/payload"): points.set_payload,
        ("POST", "/points/delete"): points.delete,
        ("POST", "/points/count"): points.count,
        ("POST", "/points/query/batch"): points.query,
        ("POST", "/points"): points.retrieve,
        ("POST", "/points/scroll"): points.scroll,
    }
    return Starlette(
        routes=[
            Route("/", _greeting),
            *(Route(f"/collections/{{name}}{path}", _endpoint(verb), methods=[method]) for (method, path), verb in routes.items()),
        ]
    )


async def _greeting(_: Request) -> JSONResponse:
    return JSONResponse({"title": "qdrant", "version": "1.20.0"})


def _endpoint(verb: Verb) -> Endpoint:
    async def answer(request: Request) -> JSONResponse:
        result = verb(request.path_params["name"], await request.body())
        return JSONResponse({"result": to_jsonable_python(result), "status": "ok", "time": 0})

    return answer


def main(port: str, folder: str) -> None:
    """Serves until it is stopped."""
    with_points = app(Points(QdrantClient(path=folder)))
    uvicorn.run(with_points, host=HOST, port=int(port), log_level="warning")


if __name__ == "__main__":
    main(*sys.argv[1:])
