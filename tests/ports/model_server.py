"""A small server that speaks the wire formats of OpenAI and Anthropic, so that the real SDKs are tested over real HTTP.

The name of the model that is asked for says what the server does: `fails-429` answers 429, `hangs` answers too late, `says-html`,
`says-nothing` (an empty object) and `refuses` do as they say, and any other answers.
"""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from kit.fakes.embedding import HashEmbedding

REPLY = "Within 14 days of filing."
READ, CACHED = 1000, 400
HANGS_S = 0.5
MOST_TEXTS = 256

Body = dict[str, Any]


@dataclass
class ModelServer:
    """The server's address, and the bodies of the requests it got."""

    url: str = ""
    bodies: list[Body] = field(default_factory=list)

    async def chat(self, request: Request) -> Response:
        """`POST /chat/completions` of OpenAI."""
        body = await self._received(request)
        text, cut = _reply(body.get("max_tokens") or body["max_completion_tokens"])
        refused = body["model"] == "refuses"
        message = {"role": "assistant", "content": None if refused else text, "refusal": "No." if refused else None}
        choice = {"index": 0, "finish_reason": "length" if cut else "stop", "message": message}
        usage = {"prompt_tokens": READ, "completion_tokens": len(text.split()), "total_tokens": 0}
        usage["prompt_tokens_details"] = {"cached_tokens": CACHED}
        answer = {"id": "c", "object": "chat.completion", "created": 0, "model": body["model"], "choices": [choice], "usage": usage}
        return await _behave(body, answer)

    async def messages(self, request: Request) -> Response:
        """`POST /v1/messages` of Anthropic."""
        body = await self._received(request)
        text, cut = _reply(body["max_tokens"])
        stop = "refusal" if body["model"] == "refuses" else "max_tokens" if cut else "end_turn"
        usage = {"input_tokens": READ - CACHED, "cache_read_input_tokens": CACHED, "output_tokens": len(text.split())}
        answer = {"id": "m", "type": "message", "role": "assistant", "model": body["model"], "stop_reason": stop, "usage": usage}
        return await _behave(body, {**answer, "content": [{"type": "text", "text": text}]})

    async def embeddings(self, request: Request) -> Response:
        """`POST /embeddings` of OpenAI: vectors of any length, in any order, as some servers give them."""
        body = await self._received(request)
        if len(body["input"]) > MOST_TEXTS:
            return JSONResponse({"error": {"message": "too many inputs"}}, 400)
        dimensions = 7 if body["model"] == "says-seven" else body["dimensions"]
        vectors = 3 * await HashEmbedding(dimensions).embed(body["input"])
        data = [{"object": "embedding", "index": i, "embedding": vector.tolist()} for i, vector in enumerate(vectors)]
        return await _behave(body, {"object": "list", "model": body["model"], "data": data[::-1], "usage": {}})

    async def _received(self, request: Request) -> Body:
        body: Body = await request.json()
        self.bodies.append(body)
        return body


@contextmanager
def model_server() -> Iterator[ModelServer]:
    """Runs the server on a free port of this machine, in a thread."""
    models = ModelServer()
    posts = {"/chat/completions": models.chat, "/embeddings": models.embeddings, "/v1/messages": models.messages}
    app = Starlette(routes=[Route(path, answer, methods=["POST"]) for path, answer in posts.items()])
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        models.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        thread = Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            yield models
        finally:
            server.should_exit = True
            thread.join()


async def _behave(body: Body, answer: Body) -> Response:
    model = body["model"]
    if model.startswith("fails-"):
        return JSONResponse({"error": {"message": "as you wish"}}, int(model.removeprefix("fails-")))
    if model == "says-html":
        return HTMLResponse("<h1>Welcome</h1>")
    if model == "hangs":
        await asyncio.sleep(HANGS_S)
    return JSONResponse({} if model == "says-nothing" else answer)


def _reply(max_tokens: int) -> tuple[str, bool]:
    words = REPLY.split()
    return " ".join(words[:max_tokens]), len(words) > max_tokens
