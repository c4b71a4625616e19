"""Lines of a page to paragraphs and headings, by their size and place. Pure; where a rule is unsure, the line break stays."""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from services.ingest.blocks import LINE, PARAGRAPH, Block, table_row

CELL = "\t"  # parts the cells of a line that may be a row of a table
HYPHEN = "\x02"  # ends a line in a hyphen that may be the author's or the typesetter's

_SAME_SIZE = 0.1  # lines of one paragraph differ in height by no more than this share
_WIDE = 1.2  # a step of so many usual ones parts paragraphs
_WIDE_LIST = 1.6  # the same for items of a list, which are often set apart a little
_LARGE = 1.15  # headings are so much larger than the body
_MAX_HEADING = 200
_LEADING = 1.2  # of a document without two lines below each other
_MARGIN = 0.12  # running headers and footers stand in this share of a page, at its top and bottom,
_REPEATS = 3  # and on at least so many pages
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_BULLET = re.compile(r"[•◦▪‣·*–-]\s")
_ITEM = re.compile(rf"(?:{_BULLET.pattern}|(?:\(?\d{{1,3}}[.)]|\(?[a-z][.)])\s)")
_SENTENCE_ENDS = tuple(".!?:;…\"'”’)")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text; `left`, `right`, `bottom` and `height` in points, y grows upwards."""

    text: str
    left: float
    right: float
    bottom: float
    height: float


@dataclass(frozen=True, slots=True)
class PageOfLines:
    """Page `number` (from 1) with its lines in reading order, between `bottom` and `top`."""

    number: int
    bottom: float
    top: float
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class _Usual:
    """What is usual in this document: `leading` is the step from a line to the next as a multiple of its height."""

    leading: float
    words: frozenset[str]
    heading_heights: tuple[int, ...]

    def level(self, line: Line) -> int:
        """The heading level of a line, from its height; 0 for body text."""
        height = round(line.height)
        return min(self.heading_heights.index(height) + 1, 6) if height in self.heading_heights else 0


def blocks(pages: Sequence[PageOfLines]) -> Iterator[Block]:
    """Headings, and lines each with the gap that parts it from the line before it; running headers and footers are left out."""
    bodies = _without_running_lines(pages)
    usual = _usual([line for page in bodies for line in page.lines])
    before: Line | None = None
    for page in bodies:
        before = before and replace(before, bottom=-math.inf)  # every line stands above the end of the page before
        for column in _columns(page.lines):
            edge = max((line.right for line in column if not _cells(line)), default=0.0)
            for lines in _runs(column, usual):
                yield from (replace(block, page=page.number) for block in _run(before, lines, edge, usual))
                before = lines[-1]


def _run(before: Line | None, lines: Sequence[Line], edge: float, usual: _Usual) -> Iterator[Block]:
    level, text = usual.level(lines[0]), " ".join(line.text for line in lines).replace(CELL, " ")
    if level and len(text) <= _MAX_HEADING and not _BULLET.match(text):
        yield Block(text, level)
    elif _cells(lines[0]) and len(lines) > 1:
        for number, line in enumerate(lines):
            yield from table_row(line.text.split(CELL), heads=number == 0 and not re.search(r"\d", line.text))
    else:
        yield from _body(before, [replace(line, text=line.text.replace(CELL, " ")) for line in lines], edge, usual)


def _body(before: Line | None, lines: Sequence[Line], edge: float, usual: _Usual) -> Iterator[Block]:
    for earlier, line, later in zip((before, *lines), lines, (*lines[1:], None), strict=False):
        yield Block(_whole_word(line, later, usual.words), gap=_gap(earlier, line, edge, usual))


def _gap(before: Line | None, line: Line, edge: float, usual: _Usual) -> str:
    """What stands between two lines: nothing after a broken word, a space in a paragraph, a line end, or a blank line."""
    if before is None or abs(before.height - line.height) > _SAME_SIZE * line.height:
        return PARAGRAPH
    step = before.bottom - line.bottom
    if step < line.height / 2:  # the top of a column or page, or beside it
        return " " if line.text[0].islower() and not before.text.endswith(_SENTENCE_ENDS) else PARAGRAPH
    if before.text.endswith(HYPHEN):
        return ""
    if _is_apart(before, line, usual, _WIDE_LIST if _ITEM.match(line.text) else _WIDE):
        return PARAGRAPH
    next_word = (line.right - line.left) / len(line.text) * (len(line.text.split()[0]) + 1)
    return LINE if _ITEM.match(line.text) or before.right + next_word < edge else " "


def _whole_word(line: Line, later: Line | None, words: frozenset[str]) -> str:
    """Ends a line that breaks in a word: the hyphen stays if this document writes the word with one elsewhere."""
    if not line.text.endswith(HYPHEN):
        return line.text
    head = line.text.removesuffix(HYPHEN)
    first, second = _WORD.findall(head)[-1:], _WORD.match(later.text) if later else None
    if not first or second is None:
        return f"{head}-"
    joined, hyphenated = (f"{first[0]}{hyphen}{second[0]}".lower() for hyphen in ("", "-"))
    keep = joined not in words and (hyphenated in words or not second[0].islower())
    return f"{head}-" if keep else head


def _columns(lines: Sequence[Line]) -> list[list[Line]]:
    """Runs of lines that go down the page."""
    columns = [[line] for line in lines[:1]]
    for before, line in pairwise(lines):
        if line.bottom > before.bottom + before.height:
            columns.append([])
        columns[-1].append(line)
    return columns


def _runs(lines: Sequence[Line], usual: _Usual) -> list[list[Line]]:
    """Body lines that follow each other, the lines of one heading, rows of one table."""
    runs = [[line] for line in lines[:1]]
    for before, line in pairwise(lines):
        level = usual.level(line)
        if level != usual.level(before) or (level and _is_apart(before, line, usual)) or _cells(line) != _cells(before):
            runs.append([])
        runs[-1].append(line)
    return runs


def _cells(line: Line) -> int:
    """Cell borders in a line; none in a list item, whose mark may stand apart."""
    return 0 if _ITEM.match(line.text) else line.text.count(CELL)


def _is_apart(before: Line, line: Line, usual: _Usual, wide: float = _WIDE) -> bool:
    return before.bottom - line.bottom > wide * usual.leading * line.height


def _without_running_lines(pages: Sequence[PageOfLines]) -> list[PageOfLines]:
    """Drops lines that say the same, but for numbers, in the same place of the margin of several pages."""
    repeats = Counter(key for page in pages for key in {_place(line) for line in page.lines if _in_margin(line, page)})
    running = {key for key, pages_with_it in repeats.items() if pages_with_it >= _REPEATS}
    return [replace(page, lines=tuple(line for line in page.lines if _place(line) not in running)) for page in pages]


def _place(line: Line) -> tuple[int, str]:
    return round(line.bottom), re.sub(r"\d+", "#", line.text)


def _in_margin(line: Line, page: PageOfLines) -> bool:
    margin = _MARGIN * (page.top - page.bottom)
    return line.bottom < page.bottom + margin or line.bottom + line.height > page.top - margin


def _usual(lines: Sequence[Line]) -> _Usual:
    letters: Counter[int] = Counter()
    for line in lines:
        letters[round(line.height)] += len(line.text)
    body = max(letters, key=lambda height: letters[height], default=0)
    steps = [(a.bottom - b.bottom) / b.height for a, b in pairwise(lines) if b.height and round(a.height) == round(b.height) == body]
    return _Usual(
        leading=median([step for step in steps if 0.5 < step < 3] or [_LEADING]),
        words=frozenset(word.lower() for line in lines for word in _WORD.findall(line.text)),
        heading_heights=tuple(sorted((height for height in letters if height > _LARGE * body), reverse=True)),
    )
