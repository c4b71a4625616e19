"""Answers that come piece by piece, as server-sent events, and end when nobody reads them any more."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Mapping
from contextlib import aclosing
from typing import Any, TypeVar

import anyio
from fastapi.sse import KEEPALIVE_COMMENT, EventSourceResponse, format_sse_event
from pydantic_core import to_json
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

T = TypeVar("T")

HEARTBEAT = KEEPALIVE_COMMENT
# Proxies must hand on each piece at once.
_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}


def event(name: str, data: Any) -> bytes:
    """A server-sent event whose data is JSON."""
    return format_sse_event(event=name, data_str=to_json(data).decode())


class EventStream(EventSourceResponse):
    """Sends `opening` and then what `rest` yields, each at once; `rest` is closed however it ends, above all when the client goes away."""

    def __init__(self, opening: bytes, rest: AsyncGenerator[bytes, None], headers: Mapping[str, str] | None = None) -> None:
        super().__init__(_joined(opening, rest), headers={**_HEADERS, **(headers or {})})
        self._rest = rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._rest):
            await super().__call__(scope, receive, send)


async def with_silences(items: AsyncGenerator[T, None], every_s: float) -> AsyncGenerator[T | None, None]:
    """What `items` yields, and None for every `every_s` seconds in which that is nothing.

    The items are made in a task of their own, from the beginning to the end: a generator that has spans or timeouts open must not change
    tasks, and a reader that is slow does not hold up a provider. Closing this ends it.
    """
    queue: asyncio.Queue[T | StopAsyncIteration] = asyncio.Queue()
    task = asyncio.create_task(_pump(items, queue))
    try:
        while not isinstance(item := await _next(queue, every_s), StopAsyncIteration):
            yield item
        await task
    finally:
        task.cancel()
        with anyio.CancelScope(shield=True):
            await asyncio.wait([task])


async def unless_gone(request: Request, work: Awaitable[T]) -> T:
    """What `work` gives; it is cancelled when the client goes away. Raises ClientDisconnect then. The body must have been read."""
    task, gone = asyncio.ensure_future(work), asyncio.create_task(_gone(request))
    try:
        await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        task.cancel()
        gone.cancel()
        await asyncio.wait((task, gone))


async def _joined(opening: bytes, rest: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    yield opening
    async for piece in rest:
        yield piece


async def _pump(items: AsyncGenerator[T, None], queue: "asyncio.Queue[T | StopAsyncIteration]") -> None:
    try:
        async with aclosing(items):
            async for item in items:
                queue.put_nowait(item)
    finally:
        queue.put_nowait(StopAsyncIteration())


async def _next(queue: "asyncio.Queue[T | StopAsyncIteration]", within_s: float) -> T | StopAsyncIteration | None:
    try:
        async with asyncio.timeout(within_s):
            return await queue.get()
    except TimeoutError:
        return None


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
