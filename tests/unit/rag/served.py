"""The route /generate over a language model that says what a test tells it to, on a real HTTP server or without."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from kit.clock import SystemClock
from kit.ports.llm import LLMClient
from services.rag.api import generate, problems
from services.rag.api.middleware import BodyLimit, Observed
from services.rag.authenticate import ANYBODY
from services.rag.principal import Principal

MAX_BYTES = 2_000_000
Event = tuple[str, Any]


class OneUser:
    """Whoever asks is the same."""

    def __init__(self, who: Principal) -> None:
        self._who = who

    async def principal(self, _: str | None) -> Principal:
        """They."""
        return self._who


def app_over(llm: LLMClient, who: Principal = ANYBODY, heartbeat_s: float = 5.0) -> FastAPI:
    """The app with this route alone, and what surrounds every route."""
    app = FastAPI()
    app.state.parts = SimpleNamespace(llm=llm, clock=SystemClock(), authenticator=OneUser(who), heartbeat_s=heartbeat_s)
    problems.add_problem_handlers(app)
    app.include_router(generate.router)
    app.add_middleware(BodyLimit, limit=MAX_BYTES)
    app.add_middleware(Observed)
    return app


def with_parts(app: FastAPI) -> Any:
    """The app as it is once its parts are open."""

    async def opened(scope: Any, receive: Any, send: Any) -> None:
        await app({**scope, "state": {"parts": app.state.parts}}, receive, send)

    return opened


def direct(app: FastAPI) -> httpx.AsyncClient:
    """A client without a server between: quick, but it gets answers whole, and never leaves."""
    return httpx.AsyncClient(base_url="http://rag", transport=httpx.ASGITransport(with_parts(app)))


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Serves the app on a free port while the block runs."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        server = uvicorn.Server(uvicorn.Config(with_parts(app), log_level="critical", lifespan="off"))
        task = asyncio.create_task(server.serve([listener]))
        try:
            async with httpx.AsyncClient(base_url="http://{}:{}".format(*listener.getsockname()), timeout=60) as http:
                yield http
        finally:
            server.should_exit = True
            await task


async def events(response: httpx.Response) -> AsyncIterator[Event]:
    """The server-sent events of a response as they come; a comment is an event without a name."""
    name = ""
    async for line in response.aiter_lines():
        field, _, value = line.partition(": ")
        match field:
            case "":
                if line:
                    yield "", value
            case "event":
                name = value
            case "data":
                yield name, json.loads(value)
