"""Errors as RFC 9457 problem+json: every code of this service once, with its status and title."""

import math
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

import asyncpg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from kit.errors import DependencyDown, Permanent, Transient, WorkbenchError
from kit.postgres import translated
from services.rag.registry.errors import Invalid

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
REQUEST_ID = "x-request-id"

STATUS_OF = {
    "budget_exceeded": 429,
    "budget_spent": 402,
    "budget_unknown": 404,
    "dataset_unknown": 404,
    "dataset_case_repeated": 422,
    "dataset_empty": 422,
    "dataset_gold_missing": 422,
    "dataset_line_invalid": 422,
    "deadline_passed": 504,
    "document_empty": 422,
    "document_id_taken": 409,
    "document_too_large": 413,
    "document_unknown": 404,
    "embedding_recipe_unknown": 422,
    "embedding_settings_incomplete": 422,
    "eval_ended": 409,
    "eval_other_dataset": 422,
    "eval_same_variant": 422,
    "eval_unfinished": 409,
    "eval_unknown": 404,
    "generation_has_no_past": 409,
    "generation_in_use": 409,
    "generation_incomplete": 409,
    "generation_model_mismatch": 503,
    "generation_taken": 409,
    "generation_unknown": 404,
    "grounding_missing": 501,
    "idempotency_key_reused": 422,
    "key_expiry_past": 422,
    "key_invalid": 401,
    "key_missing": 401,
    "key_unknown": 404,
    "label_has_no_past": 409,
    "label_reference_unprotected": 422,
    "label_unknown": 404,
    "llm_key_refused": 502,
    "llm_model_missing": 422,
    "llm_model_unknown": 422,
    "llm_output_invalid": 502,
    "llm_provider_unknown": 422,
    "llm_request_refused": 502,
    "llm_schema_unsupported": 501,
    "llm_settings_incomplete": 501,
    "media_type_unsupported": 415,
    "name_unknown": 404,
    "price_unknown": 422,
    "prompt_cycle": 422,
    "prompt_invalid": 422,
    "prompt_too_long": 422,
    "prompt_variables_invalid": 422,
    "range_invalid": 422,
    "receipt_against_another": 403,
    "receipt_expired": 403,
    "receipt_forged": 403,
    "receipt_missing": 403,
    "receipt_not_passed": 403,
    "receipt_of_another": 403,
    "receipt_of_another_gate": 403,
    "receipt_of_another_prompt": 403,
    "record_invalid": 422,
    "record_too_large": 413,
    "reference_invalid": 422,
    "request_invalid": 422,
    "reranker_not_set_up": 422,
    "response_schema_invalid": 422,
    "run_unfinished": 409,
    "run_unknown": 404,
    "scope_missing": 403,
    "value_unstorable": 422,
    "variant_unknown": 422,
    "variant_unsupported": 422,
    "version_unknown": 404,
    "weights_invalid": 422,
}
_HEADERS_OF: dict[int, dict[str, str]] = {401: {"WWW-Authenticate": 'Bearer realm="workbench"'}, 503: {"Retry-After": "1"}}
_DEFECT = ("internal_error", 500, "this is a defect of the workbench; the log has it under the request_id")
DATABASE_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError)
CLIENT_CLOSED_REQUEST = 499  # as nginx says; nobody reads it, the metrics count it
_STATUS_OF_KIND: dict[type[WorkbenchError], int] = {Permanent: 400, Transient: 503, DependencyDown: 503}


def told(request: Request, code: str, status: int, detail: str) -> dict[str, Any]:
    """What is wrong and what to do, as JSON."""
    return {
        "type": f"urn:workbench:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": request.state.request_id,
    }


def problem(request: Request, code: str, status: int, detail: str, errors: list[dict[str, str]] | None = None) -> JSONResponse:
    """The answer that says what is wrong and what to do."""
    body = told(request, code, status, detail)
    headers = {REQUEST_ID: request.state.request_id} | _HEADERS_OF.get(status, {})
    return JSONResponse(body if errors is None else body | {"errors": errors}, status, headers, MEDIA_TYPE)


def add_problem_handlers(app: FastAPI) -> None:
    """Makes every error of `app` a problem."""
    app.add_exception_handler(WorkbenchError, _on_workbench_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    app.add_exception_handler(ClientDisconnect, _on_disconnect)
    for kind in DATABASE_ERRORS:
        app.add_exception_handler(kind, _on_database_error)
    app.add_exception_handler(Exception, _on_unexpected)


def of_error(request: Request, error: WorkbenchError) -> JSONResponse:
    """The answer to one of our errors."""
    faults = [asdict(fault) for fault in error.faults] if isinstance(error, Invalid) else None
    answer = problem(request, error.code, _status(error), error.message, faults)
    if error.after_s is not None:
        answer.headers["Retry-After"] = str(math.ceil(error.after_s))
    return answer


def told_of(request: Request, error: Exception) -> dict[str, Any]:
    """The same as JSON, for an answer that has begun already; of an error that is not ours, that it is a defect."""
    known = error if isinstance(error, WorkbenchError) else translated(error)
    if known is None:
        log.error("request.crashed", path=request.url.path, exc_info=error)
        return told(request, *_DEFECT)
    return told(request, known.code, _status(known), known.message)


def _status(error: WorkbenchError) -> int:
    return STATUS_OF.get(error.code) or next(status for kind, status in _STATUS_OF_KIND.items() if isinstance(error, kind))


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
    return problem(request, *_DEFECT)


async def _on_disconnect(_: Request, __: Exception) -> Response:
    return Response(status_code=CLIENT_CLOSED_REQUEST)
