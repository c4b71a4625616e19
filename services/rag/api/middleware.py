"""What surrounds every request: an id, a metric, and a limit to the body's size. FastAPI itself records its span."""

import time
from http import HTTPStatus
from uuid import uuid4

import structlog
from fastapi.telemetry import TelemetryConfig
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kit.metrics import REQUEST_SECONDS
from services.rag.api.problems import REQUEST_ID, problem

MULTIPART_FRAME_BYTES = 64 * 1024
# A span a request, and none for each of FastAPI's own steps; metrics are Prometheus's, logs structlog's.
TELEMETRY = TelemetryConfig(operation_spans=False, metrics=False, logs=False)


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
                MutableHeaders(scope=message)[REQUEST_ID] = request.state.request_id
            await send(message)

        try:
            with structlog.contextvars.bound_contextvars(request_id=request.state.request_id):
                await self._app(scope, receive, send_with_id)
        finally:
            route = getattr(scope.get("route"), "path", "unmatched")
            REQUEST_SECONDS.labels(scope["method"], route, str(status)).observe(time.perf_counter() - started)


class _TooLarge(HTTPException):
    """The only kind of error that FastAPI lets through while it reads a body."""

    code = "document_too_large"


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
            await problem(request, _TooLarge.code, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self._told())(scope, receive, send)
            return
        received = 0

        async def receive_counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._limit:
                raise _TooLarge(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self._told())
            return message

        await self._app(scope, receive_counted, send)

    def _told(self) -> str:
        return f"the request has more than {self._limit} bytes; split the document"
