"""Texts: what a document says around a span that was cited."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel

from services.rag.api.parts import Rag
from services.rag.api.principal import Scope, Who, needs
from services.rag.texts import Texts, Window

_LAST = 2**31 - 1 - 2**16  # the database counts with 32 bits

router = APIRouter(tags=["documents"])


class TextPage(BaseModel):
    """A page that the text touches, and where in the whole text it begins."""

    number: int
    start: int


class DocumentText(BaseModel):
    """A part of a version's extracted text: `text` is `[start, end)` of its `length` code points. Without pages, `pages` is empty."""

    document_id: str
    version: int
    sha256: str
    start: int
    end: int
    length: int
    text: str
    pages: list[TextPage]


@router.get("/documents/{document_id}/text", dependencies=[needs(Scope.DOCUMENTS_READ)])
async def get_text(
    rag: Rag,
    who: Who,
    document_id: str,
    version: Annotated[int | None, Query(ge=1, le=_LAST)] = None,
    start: Annotated[int, Query(ge=0, le=_LAST)] = 0,
    end: Annotated[int | None, Query(ge=0, le=_LAST)] = None,
) -> DocumentText:
    """Gives the text of a document from `start` to `end`: 2,000 code points without an `end`, never more than 20,000.

    `version` is that of a citation; without one it is the version that answers cite. Older versions have no text any more.
    """
    part = await Texts(rag.store).part(who.tenant_id, document_id, Window(start, end, version))
    return DocumentText.model_validate(asdict(part))
