"""A server on the loopback address that speaks the wire formats of OpenAI and Anthropic, so that the real SDKs are tested over real HTTP.

What it does is told by the name of the model that is asked for: see tests/ports/wire/script.py.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from kit.fakes.embedding import HashEmbedding
from tests.ports.wire.anthropic import AnthropicWire
from tests.ports.wire.openai import OpenAIWire
from tests.ports.wire.script import READ, REPLY, Body, Said, Wire, failure_of

__all__ = ["HANGS_S", "MOST_TEXTS", "READ", "REPLY", "ModelServer", "model_server"]

HANGS_S = 2.5
BABBLES_EVERY_S = 0.005
PINGS_EVERY_S = 0.02
MOST_TEXTS = 256

Endpoint = Callable[[Request], Awaitable[Response]]


class _Crash(Exception):
    """Makes the server drop the connection."""


@dataclass
class ModelServer:
    """The server's address, the bodies of the requests it got, and the models of the calls whose clients left before the end."""

    url: str = ""
    bodies: list[Body] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def forget(self) -> None:
        """As if nobody had asked yet."""
        self.bodies.clear()
        self.left.clear()

    def answering(self, wire: Wire) -> Endpoint:
        """An endpoint that speaks `wire`."""

        async def answer(request: Request) -> Response:
            body = await self._received(request)
            headers = {wire.request_id_header: f"req-{len(self.bodies)}"}
            failure = failure_of(body["model"])
            if failure:
                return JSONResponse(wire.error(failure[0]), failure[0], headers | failure[1])
            said = wire.said(body)
            if body.get("stream"):
                return await self._streamed(wire, said, body, headers)
            return await self._whole(request, said, wire.whole(said, body), headers)

        return answer

    async def embeddings(self, request: Request) -> Response:
        """`POST /embeddings` of OpenAI: vectors of any length, in any order, as some servers give them."""
        body = await self._received(request)
        if failure := failure_of(body["model"]):
            return JSONResponse(OpenAIWire().error(failure[0]), failure[0], failure[1])
        if len(body["input"]) > MOST_TEXTS:
            return JSONResponse({"error": {"message": "too many inputs"}}, 400)
        dimensions = 7 if body["model"] == "says-seven" else body.get("dimensions", 384)
        vectors = 3 * await HashEmbedding(dimensions).embed(body["input"])
        data = [{"object": "embedding", "index": i, "embedding": vector.tolist()} for i, vector in enumerate(vectors)]
        answer = {"object": "list", "model": body["model"], "data": data[::-1], "usage": {}}
        return await self._whole(request, Said(body["model"], ""), answer, {})

    async def _received(self, request: Request) -> Body:
        body: Body = await request.json()
        self.bodies.append(body)
        return body

    async def _whole(self, request: Request, said: Said, answer: Body, headers: dict[str, str]) -> Response:
        match said.model:
            case "says-html":
                return HTMLResponse("<h1>Welcome</h1>")
            case "garbles":
                return Response('{"choices": [', media_type="application/json")
            case "says-nothing":
                return JSONResponse({})
            case "says-odd":
                return JSONResponse({**answer, "choices": [{}], "content": [{"type": "text"}], "usage": {"output_tokens": 1}})
            case "breaks":
                return StreamingResponse(_crashing(), headers={"content-length": "1000"}, media_type="application/json")
            case "drips":
                return StreamingResponse(_dripping(), media_type="application/json")
            case "hangs":
                await self._silent(request, said.model)
        return JSONResponse(answer, headers=headers)

    async def _silent(self, request: Request, model: str) -> None:
        for _ in range(int(HANGS_S / PINGS_EVERY_S)):
            if await request.is_disconnected():
                self.left.append(model)
                return
            await asyncio.sleep(PINGS_EVERY_S)

    async def _streamed(self, wire: Wire, said: Said, body: Body, headers: dict[str, str]) -> Response:
        match said.model:
            case "says-html":
                return HTMLResponse("<h1>Welcome</h1>")
            case "says-nothing":
                return Response(b"", media_type="text/event-stream")
        return StreamingResponse(self._watched(wire, said, body), headers=headers, media_type="text/event-stream")

    async def _watched(self, wire: Wire, said: Said, body: Body) -> AsyncIterator[bytes]:
        try:
            async for event in _events(wire, said, body):
                yield event
        except (asyncio.CancelledError, GeneratorExit):
            self.left.append(said.model)
            raise


async def _events(wire: Wire, said: Said, body: Body) -> AsyncIterator[bytes]:
    for event in wire.opening(said):
        yield event
    if said.model == "hangs":
        async for ping in _pings(wire):
            yield ping
    for at, piece in enumerate(said.pieces):
        yield wire.piece(said, piece)
        if at == 0:
            async for event in _misbehaviour(wire, said):
                yield event
            if said.model == "ends-early":
                return
    for event in wire.closing(said, body):
        yield event


async def _misbehaviour(wire: Wire, said: Said) -> AsyncIterator[bytes]:
    """What comes between the first piece and the second."""
    match said.model:
        case "stalls":
            async for ping in _pings(wire):
                yield ping
        case "babbles":
            for _ in range(int(10 / BABBLES_EVERY_S)):
                yield wire.piece(said, " again")
                await asyncio.sleep(BABBLES_EVERY_S)
        case "breaks":
            await asyncio.sleep(PINGS_EVERY_S)
            raise _Crash
        case "fails-midway":
            yield wire.failure()
        case "garbles":
            yield wire.garbled()


async def _pings(wire: Wire) -> AsyncIterator[bytes]:
    """Signs of life without a word."""
    for _ in range(int(HANGS_S / PINGS_EVERY_S)):
        yield wire.ping
        await asyncio.sleep(PINGS_EVERY_S)


async def _dripping() -> AsyncIterator[bytes]:
    for _ in range(int(HANGS_S / PINGS_EVERY_S)):
        yield b" "
        await asyncio.sleep(PINGS_EVERY_S)
    yield b"{}"


async def _crashing() -> AsyncIterator[bytes]:
    yield b'{"choices": ['
    raise _Crash


@contextmanager
def model_server() -> Iterator[ModelServer]:
    """Runs the server on a free port of this machine, in a thread."""
    models = ModelServer()
    posts: dict[str, Endpoint] = {wire.path: models.answering(wire) for wire in (OpenAIWire(), AnthropicWire())}
    posts["/embeddings"] = models.embeddings
    app = Starlette(routes=[Route(path, answer, methods=["POST"]) for path, answer in posts.items()])
    # Named as TCP, or asyncio leaves Nagle's algorithm on.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        models.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off", date_header=False))
        thread = Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield models
        finally:
            server.should_exit = True
            thread.join()
