"""Blocks to a document: the formats say what stands in which order, this says where it stands."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from services.ingest.document import Heading, Page, ParsedDocument
from services.ingest.normalise import normalised

PARAGRAPH = "\n\n"
LINE = "\n"
_BEFORE_HEADING = "\n\n\n"  # the splitter prefers the longest run of newlines, so a section begins a chunk


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, list item, table row or heading (`level` from 1). `gap` parts it from the block before."""

    text: str
    level: int = 0
    gap: str = PARAGRAPH
    page: int | None = None


def table_row(cells: Sequence[str], heads: bool = False) -> Iterator[Block]:
    """A row as Markdown writes it, with the rule below it if it `heads` a table, so that readers know what a cell is about."""
    if len(cells) == 1:
        yield Block(cells[0], gap=LINE)
    elif any(cells):
        yield Block(f"| {' | '.join(cells)} |", gap=PARAGRAPH if heads else LINE)
        if heads:
            yield Block(f"|{' --- |' * len(cells)}", gap=LINE)


def assemble(blocks: Iterable[Block]) -> ParsedDocument:
    """Joins blocks into normalised text with exact offsets; blocks without text are left out."""
    parts: list[str] = []
    headings: list[Heading] = []
    starts: list[tuple[int, int]] = []
    at = 0
    for block in blocks:
        text = normalised(block.text).strip()
        if not text:
            continue
        gap = (_BEFORE_HEADING if block.level else block.gap) if parts else ""
        parts += (gap, text)
        start, at = at + len(gap), at + len(gap) + len(text)
        if block.level:
            headings.append(Heading(start, block.level, " ".join(text.split())))
        if block.page is not None and (not starts or starts[-1][0] != block.page):
            starts.append((block.page, start))
    return ParsedDocument("".join(parts), _pages(starts, at), tuple(headings))


def _pages(starts: list[tuple[int, int]], end: int) -> tuple[Page, ...]:
    ends = [start for _, start in starts[1:]] + [end]
    return tuple(Page(number, start, stop) for (number, start), stop in zip(starts, ends, strict=True)) if starts else ()
