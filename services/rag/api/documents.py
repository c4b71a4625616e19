"""Documents: upload, status, list, delete."""

import json
from pathlib import PurePath
from typing import Annotated, Any, TypeVar

import asyncpg
from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field, Json, ValidationError
from starlette.datastructures import UploadFile

from contracts.base import DocumentId
from contracts.media_types import MEDIA_TYPES, essence, media_type_of
from kit.errors import Permanent
from services.rag.api.parts import Rag
from services.rag.api.principal import Scope, Who, needs
from services.rag.api.schemas import ChunkCounts, Document, DocumentPage, DocumentProblem, IngestText, Metadata, Receipt, Title
from services.rag.store import Page
from services.rag.upload import Receipt as UploadReceipt
from services.rag.upload import Upload

M = TypeVar("M", bound=BaseModel)


class IngestForm(BaseModel):
    """The fields beside `file` of a multipart upload."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: Title | None = None
    media_type: str | None = None
    document_id: DocumentId | None = None
    metadata: Json[Metadata] = Field(default_factory=dict)


_BODY = {
    "required": True,
    "content": {
        "application/json": {"schema": IngestText.model_json_schema()},
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "additionalProperties": False,
                "properties": {
                    "file": {"type": "string", "format": "binary"},
                    "title": {"type": "string"},
                    "media_type": {"type": "string", "enum": sorted(MEDIA_TYPES)},
                    "document_id": {"type": "string"},
                    "metadata": {"type": "string", "description": "a JSON object of strings"},
                },
            }
        },
    },
}


router = APIRouter(tags=["documents"])


@router.post("/ingest", status_code=202, openapi_extra={"requestBody": _BODY}, dependencies=[needs(Scope.DOCUMENTS_WRITE)])
async def ingest(
    rag: Rag, who: Who, request: Request, response: Response, idempotency_key: Annotated[str | None, Header(max_length=200)] = None
) -> Receipt:
    """Takes a document; 202 with where to ask for its status, 200 if the same content is there already."""
    upload = await _upload(request, rag.max_document_bytes)
    receipt = _receipt(await rag.uploads.upload(who.tenant_id, upload, idempotency_key))
    response.status_code = 200 if receipt.duplicate else 202
    response.headers["Location"] = receipt.status_url
    return receipt


@router.get("/documents", dependencies=[needs(Scope.DOCUMENTS_READ)])
async def list_documents(rag: Rag, who: Who, after: str | None = None, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> DocumentPage:
    """Lists documents by id."""
    rows = await rag.store.documents(who.tenant_id, Page(after, limit))
    return DocumentPage(documents=[_document(row) for row in rows], next=rows[-1]["document_id"] if len(rows) == limit else None)


@router.get("/documents/{document_id}", dependencies=[needs(Scope.DOCUMENTS_READ)])
async def get_document(rag: Rag, who: Who, document_id: str) -> Document:
    """Tells how far a document is."""
    row = await rag.store.document(who.tenant_id, document_id)
    if row is None:
        raise _unknown(document_id)
    return _document(row)


@router.delete("/documents/{document_id}", status_code=202, dependencies=[needs(Scope.DOCUMENTS_WRITE)])
async def delete_document(rag: Rag, who: Who, document_id: str) -> Receipt:
    """Deletes a document with all its versions."""
    return _receipt(await rag.uploads.delete(who.tenant_id, document_id))


async def _upload(request: Request, max_bytes: int) -> Upload:
    kind = essence(request.headers.get("content-type", ""))
    if kind == "application/json":
        upload = await _from_json(request)
    elif kind == "multipart/form-data":
        upload = await _from_form(request)
    else:
        raise Permanent("media_type_unsupported", f"send multipart/form-data with a `file`, or application/json, not {kind or 'nothing'}")
    if upload.media_type not in MEDIA_TYPES:
        raise Permanent("media_type_unsupported", f"{upload.media_type!r} cannot be ingested; send one of {', '.join(sorted(MEDIA_TYPES))}")
    if len(upload.data) > max_bytes:
        raise Permanent("document_too_large", f"the document has {len(upload.data)} bytes, over the limit of {max_bytes}; split it")
    if not upload.data:
        raise Permanent("document_empty", "the document has no bytes; send one with content")
    return upload


async def _from_json(request: Request) -> Upload:
    body = _checked(IngestText, await _json(request))
    return Upload(body.text.encode(), body.title, essence(body.media_type), body.document_id, body.metadata)


async def _json(request: Request) -> Any:
    try:
        return json.loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise RequestValidationError([{"loc": ("body",), "msg": f"this is not JSON: {error}", "type": "json_invalid"}]) from error


async def _from_form(request: Request) -> Upload:
    async with request.form(max_files=1, max_fields=10) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise RequestValidationError(
                [{"loc": ("body", "file"), "msg": "send the document as the file field `file`", "type": "missing"}]
            )
        fields = _checked(IngestForm, {name: value for name, value in form.items() if name != "file"})
        name = PurePath(file.filename or "document").name
        media_type = fields.media_type or media_type_of(name) or file.content_type or "application/octet-stream"
        return Upload(await file.read(), fields.title or name, essence(media_type), fields.document_id, fields.metadata)


def _checked(model: type[M], value: Any) -> M:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise RequestValidationError([{**one, "loc": ("body", *one["loc"])} for one in error.errors(include_url=False)]) from error


def _unknown(document_id: str) -> Permanent:
    return Permanent("document_unknown", f"there is no document {document_id!r}; GET /documents lists them")


def _receipt(receipt: UploadReceipt) -> Receipt:
    return Receipt(
        document_id=receipt.document_id,
        version=receipt.version,
        status=receipt.status,
        status_url=f"/documents/{receipt.document_id}",
        duplicate=receipt.duplicate,
    )


def _document(row: asyncpg.Record) -> Document:
    problem = DocumentProblem(code=row["error_code"], message=row["error_message"]) if row["error_code"] else None
    chunks = ChunkCounts(total=row["chunks_total"], indexed=row["chunks_indexed"])
    return Document(**{name: row[name] for name in Document.model_fields if name not in ("chunks", "error")}, chunks=chunks, error=problem)
