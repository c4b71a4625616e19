"""What parsing gives: a document's text, and where its pages and headings stand in it.

Every offset in the system (chunks, citations) counts code points of `ParsedDocument.text`, so the text never changes after parsing.
"""

from bisect import bisect_right
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Page:
    """Page `number` (from 1) stands at `[start, end)`. Pages follow each other without a gap; a page without text is left out."""

    number: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading begins at `start`; level 1 is the highest."""

    start: int
    level: int
    text: str


@dataclass(frozen=True, slots=True)
class ParsedDocument:
    """Normalised text with its pages (none where the format has no pages) and headings, both in order."""

    text: str
    pages: tuple[Page, ...] = ()
    headings: tuple[Heading, ...] = ()

    def page_at(self, offset: int) -> int | None:
        """The number of the page `offset` stands on; None where there are no pages."""
        index = bisect_right(self.pages, offset, key=lambda page: page.start) - 1
        return self.pages[index].number if index >= 0 else None

    def heading_at(self, offset: int) -> str | None:
        """The nearest heading at or before `offset`; None before the first."""
        index = bisect_right(self.headings, offset, key=lambda heading: heading.start) - 1
        return self.headings[index].text if index >= 0 else None
