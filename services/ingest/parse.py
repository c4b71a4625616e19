"""Bytes of one document to its text. Every failure is Permanent: the same bytes fail again.

Pure and single-threaded (PDFium is not thread-safe), and a hostile PDF can hang or kill the process it is read in:
services call it through `services.ingest.isolate`.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from contracts import media_types
from kit.errors import Permanent
from services.ingest.document import ParsedDocument
from services.ingest.formats import docx, html, markdown, pdf, plain
from services.ingest.rejections import Rejection

_FORMATS: Mapping[str, Callable[[bytes], ParsedDocument]] = MappingProxyType(
    {
        media_types.PDF: pdf.parse,
        media_types.MARKDOWN: markdown.parse,
        media_types.PLAIN: plain.parse,
        media_types.HTML: html.parse,
        media_types.DOCX: docx.parse,
    }
)


def parse(data: bytes, media_type: str) -> ParsedDocument:
    """Extracts the text of `data`. Raises Permanent with one of the codes of `Rejection`; the message says what to do."""
    essence = media_types.essence(media_type)
    if essence not in _FORMATS:
        known = ", ".join(_FORMATS)
        raise Permanent(Rejection.MEDIA_TYPE_UNSUPPORTED, f"cannot read {media_type!r}; convert the document to one of {known}")
    if not data:
        raise Permanent(Rejection.EMPTY, "the file has no bytes; upload it again")
    document = _FORMATS[essence](data)
    if not document.text.strip():
        raise Permanent(Rejection.WITHOUT_TEXT, "the document has no text to search: upload one with text, or run OCR on a scan first")
    return document
