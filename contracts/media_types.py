"""Every media type the system takes in, once: what `rag` accepts (415 otherwise) is what `ingest` can read."""

from collections.abc import Mapping
from pathlib import PurePath
from types import MappingProxyType

PDF = "application/pdf"
MARKDOWN = "text/markdown"
PLAIN = "text/plain"
HTML = "text/html"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

MEDIA_TYPES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        PDF: (".pdf",),
        MARKDOWN: (".md", ".markdown"),
        PLAIN: (".txt", ".text"),
        HTML: (".html", ".htm"),
        DOCX: (".docx",),
    }
)


def essence(media_type: str) -> str:
    """The type itself: lower case, without parameters such as `charset`."""
    return media_type.partition(";")[0].strip().lower()


def media_type_of(filename: str) -> str | None:
    """The media type that the extension of `filename` stands for, in any case; None for one we cannot read."""
    suffix = PurePath(filename).suffix.lower()
    return next((media_type for media_type, suffixes in MEDIA_TYPES.items() if suffix in suffixes), None)
