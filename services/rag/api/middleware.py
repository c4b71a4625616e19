"""What surrounds every request: an id, a span, a metric, and a limit to the body's size."""

import time
from uuid import uuid4

import structlog
from opentelemetry.trace import SpanKind
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kit.errors import Permanent
from kit.metrics import REQUEST_SECONDS
from kit.tracing import span
from services.rag.api.problems import of_error

MULTIPART_FRAME_BYTES = 64 * 1024


class Observed:
    """Gives the request an id (the caller's `X-Request-ID` or a new one), answers with it, and records how long it took."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        request.state.request_id = request.headers.get("x-request-id", "")[:128] or uuid4().hex
        started, status = time.perf_counter(), 500

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request.state.request_id.encode("latin-1", "replace"))]
            await send(message)

        with (
            structlog.contextvars.bound_contextvars(request_id=request.state.request_id),
            span(f"{scope['method']} {scope['path']}", SpanKind.SERVER, request.headers.get("traceparent")),
        ):
            await self._app(scope, receive, send_with_id)
        route = getattr(scope.get("route"), "path", "unmatched")
        REQUEST_SECONDS.labels(scope["method"], route, str(status)).observe(time.perf_counter() - started)


class BodyLimit:
    """Refuses a body of more than `limit` bytes, as soon as that is known."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        length = request.headers.get("content-length", "0")
        if length.isdigit() and int(length) > self._limit:
            await of_error(request, self._too_large())(scope, receive, send)
            return
        received = 0

        async def receive_counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._limit:
                raise self._too_large()
            return message

        await self._app(scope, receive_counted, send)

    def _too_large(self) -> Permanent:
        return Permanent("document_too_large", f"the request has more than {self._limit} bytes; split the document")
