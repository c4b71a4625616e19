"""The five services in this process, with the parts they share opened once."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from fastapi import FastAPI
from faststream.asgi import AsgiFastStream

from kit.adapters.open_collections import open_collections
from kit.adapters.open_embeddings import open_embeddings
from kit.errors import DependencyDown, Permanent
from services.evaluator import app as evaluator
from services.feedback import app as feedback
from services.indexer import app as indexer
from services.ingest import app as ingest
from services.rag import app as rag
from workbench.stack.ports import HOST
from workbench.stack.settings import EmbeddedSettings

HTTP_STOPS_WITHIN_S = 10


@asynccontextmanager
async def running_services(settings: EmbeddedSettings, port: int) -> AsyncIterator[str]:
    """Runs the services while the block runs; yields the HTTP address once all consume and answer. `port` 0 takes a free one.

    Raises Permanent `port_taken`, and whatever a service raises; a service that fails later takes the block down with it.
    """
    with _listening(port) as listener:
        async with open_embeddings(settings.ingest.embedding) as models, open_collections(settings.indexer.vectors) as collections:
            workers = (
                ingest.build(settings.ingest, models=models),
                indexer.build(settings.indexer, collections=collections),
                evaluator.build(settings.evaluator_of(_address(listener))),
                feedback.build(settings.feedback),
            )
            api = rag.build(settings.rag, models=models, collections=collections)
            async with _consuming(workers), _serving(api, listener):
                yield _address(listener)


def _address(listener: socket.socket) -> str:
    return "http://{}:{}".format(*listener.getsockname())


@contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    # Named as TCP, or asyncio leaves Nagle's algorithm on, and each answer waits 40 ms for a delayed acknowledgement.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError as error:
            raise Permanent("port_taken", f"port {port} cannot be used ({error.strerror}); name another with --port") from error
        yield listener


@asynccontextmanager
async def _consuming(workers: tuple[AsgiFastStream, ...]) -> AsyncIterator[None]:
    """Starts workers side by side, since each waits seconds to join its group, and stops them after the block."""
    started = [asyncio.Event() for _ in workers]
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_work(app, event, stop)) for app, event in zip(workers, started, strict=True)]
        for event in started:
            await event.wait()
        try:
            yield
        finally:
            stop.set()
            # A group cancels what still runs when its block fails; a worker must finish the message in hand instead.
            await asyncio.wait(tasks)


async def _work(app: AsgiFastStream, started: asyncio.Event, stop: asyncio.Event) -> None:
    app.after_startup(started.set)
    async with app.start_lifespan_context():
        await stop.wait()


class _Http(uvicorn.Server):
    """A server that leaves signals to whoever runs the stack, and says `up` once it accepts requests."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.up.set()


@asynccontextmanager
async def _serving(app: FastAPI, listener: socket.socket) -> AsyncIterator[None]:
    config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=HTTP_STOPS_WITHIN_S)
    server = _Http(config)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(_serve(server, listener))
        await server.up.wait()
        try:
            yield
        finally:
            server.should_exit = True
            await asyncio.wait([task])


async def _serve(server: _Http, listener: socket.socket) -> None:
    try:
        await server.serve([listener])
    except SystemExit as error:
        # Uvicorn logs why an app did not start, and asks for the end of the process.
        raise DependencyDown("service_failed", "rag did not start; the reason is at the end of the services' log") from error
