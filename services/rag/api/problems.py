"""Errors as RFC 9457 problem+json: every code of this service once, with its status and title."""

from http import HTTPStatus

import asyncpg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from kit.errors import DependencyDown, Permanent, Transient, WorkbenchError
from kit.postgres import translated

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
REQUEST_ID = "x-request-id"

STATUS_OF = {
    "document_unknown": 404,
    "document_id_taken": 409,
    "document_too_large": 413,
    "media_type_unsupported": 415,
    "document_empty": 422,
    "idempotency_key_reused": 422,
    "request_invalid": 422,
    "value_unstorable": 422,
    "variant_unknown": 422,
    "llm_key_refused": 502,
    "llm_request_refused": 502,
}
_STATUS_OF_KIND: dict[type[WorkbenchError], int] = {Permanent: 400, Transient: 503, DependencyDown: 503}


def problem(request: Request, code: str, status: int, detail: str, errors: list[dict[str, str]] | None = None) -> JSONResponse:
    """The answer that says what is wrong and what to do."""
    body = {
        "type": f"urn:workbench:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": request.state.request_id,
    }
    headers = {REQUEST_ID: request.state.request_id} | ({"Retry-After": "1"} if status == HTTPStatus.SERVICE_UNAVAILABLE else {})
    return JSONResponse(body if errors is None else body | {"errors": errors}, status, headers, MEDIA_TYPE)


def add_problem_handlers(app: FastAPI) -> None:
    """Makes every error of `app` a problem."""
    app.add_exception_handler(WorkbenchError, _on_workbench_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    for kind in (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        app.add_exception_handler(kind, _on_database_error)
    app.add_exception_handler(Exception, _on_unexpected)


def of_error(request: Request, error: WorkbenchError) -> JSONResponse:
    """The answer to one of our errors."""
    status = STATUS_OF.get(error.code) or next(status for kind, status in _STATUS_OF_KIND.items() if isinstance(error, kind))
    return problem(request, error.code, status, error.message)


async def _on_workbench_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, WorkbenchError)  # noqa: S101 - registered for this type alone
    return of_error(request, error)


async def _on_validation_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this type alone
    errors = [{"field": ".".join(str(part) for part in one["loc"][1:]) or "body", "message": str(one["msg"])} for one in error.errors()]
    detail = "; ".join(f"{one['field']}: {one['message']}" for one in errors[:3])
    return problem(request, "request_invalid", HTTPStatus.UNPROCESSABLE_ENTITY, detail, errors)


async def _on_http_exception(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type alone
    code = getattr(error, "code", HTTPStatus(error.status_code).name.lower())
    return problem(request, code, error.status_code, str(error.detail))


async def _on_database_error(request: Request, error: Exception) -> JSONResponse:
    known = translated(error)
    return of_error(request, known) if known else await _on_unexpected(request, error)


async def _on_unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("request.crashed", path=request.url.path, exc_info=error)
    return problem(request, "internal_error", 500, "this is a defect of the workbench; the log has it under the request_id")
