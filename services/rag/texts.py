"""Stored texts: the part of a document's extracted text around what was cited."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from kit.errors import Permanent
from services.rag.store import Store

WINDOW = 2_000
MAX_WINDOW = 20_000


@dataclass(frozen=True, slots=True)
class Window:
    """Which part is wanted: `[start, end)` in code points, of this version; WINDOW of them without an `end`."""

    start: int = 0
    end: int | None = None
    version: int | None = None

    @property
    def stop(self) -> int:
        """Where it ends. Raises Permanent `range_invalid` if that is not behind its start, or too far behind."""
        stop = self.start + WINDOW if self.end is None else self.end
        if stop <= self.start:
            raise Permanent("range_invalid", f"`end` ({stop}) must be greater than `start` ({self.start})")
        if stop - self.start > MAX_WINDOW:
            raise Permanent(
                "range_invalid", f"ask for at most {MAX_WINDOW} code points at a time, not {stop - self.start}; move `start` on"
            )
        return stop


@dataclass(frozen=True, slots=True)
class StoredPage:
    """A page that a part touches: it begins at `start` of the whole text."""

    number: int
    start: int


@dataclass(frozen=True, slots=True)
class TextPart:
    """`text` stands at `[start, end)` of the extracted text of that version, which has `length` code points."""

    document_id: str
    version: int
    sha256: str
    start: int
    end: int
    length: int
    text: str
    pages: tuple[StoredPage, ...]


@dataclass(frozen=True, slots=True)
class Texts:
    """Reads what ingest stored."""

    store: Store

    async def part(self, tenant_id: str, document_id: str, window: Window) -> TextPart:
        """The part of a document's text, cut where the text ends.

        Raises Permanent `document_unknown`, `version_unknown` (that version has no text, or not any more), `range_invalid`.
        """
        start, stop = window.start, window.stop
        row = await self.store.text(tenant_id, document_id, window.version, start, stop)
        if row is None:
            raise await self._missing(tenant_id, document_id, window.version)
        if start >= row["length"]:
            raise Permanent("range_invalid", f"the text has {row['length']} code points; ask for a `start` below that, not {start}")
        end = start + len(row["text"])
        pages = _pages(row["page_numbers"], row["page_starts"], start, end)
        return TextPart(document_id, row["version"], row["sha256"], start, end, row["length"], row["text"], pages)

    async def _missing(self, tenant_id: str, document_id: str, version: int | None) -> Permanent:
        document: asyncpg.Record | None = await self.store.document(tenant_id, document_id)
        if document is None or document["status"] == "deleted":
            return Permanent("document_unknown", f"there is no document {document_id!r}; GET /documents lists them")
        if version is None:
            return Permanent(
                "version_unknown", f"{document_id!r} has no text yet: it is {document['status']}; ask again once it is indexed"
            )
        told = f"version {version} of {document_id!r} has no text here; leave out `version` for the one that answers cite"
        return Permanent("version_unknown", told)


def _pages(numbers: Sequence[int], starts: Sequence[int], start: int, end: int) -> tuple[StoredPage, ...]:
    first = max(0, bisect_right(starts, start) - 1)
    touched = zip(numbers[first:], starts[first:], strict=True)
    return tuple(StoredPage(number, begin) for number, begin in touched if begin < end)
