"""Cuts a passage into sentences with exact offsets. Knows Markdown lists, tables and headings, and titles of plain text."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum, auto
from itertools import zip_longest

from sentencex import get_sentence_boundaries

_HEADING = re.compile(r"\s{0,3}#{1,6}\s+")
_MARKER = re.compile(r"\s*(?:[-*+•>]|\d{1,3}[.)])\s+")
_START = re.compile(rf"(?:{_MARKER.pattern})?(?:{_HEADING.pattern})?")
_ROW = re.compile(r"\s*\|.*\|\s*$")
_GAP = re.compile(r"(?<=\S)(?:\s{3,}|\s*\t\s*)(?=\S)")
_RULE = re.compile(r"[\s|:=`~*_-]*$")
_NUMBERING = re.compile(r"(?:\d+\.)*\d*\s*")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_EMPHASIS = re.compile(r"\*\*|__|~~|`|(?<!\w)[*_](?=\S)|(?<=\S)[*_](?!\w)")
_NAME = re.compile(r"([*_]{1,3})[^*_\n]{1,60}[.:]?\1[.:]?")
_TITLE_WORDS = 8


class _Kind(Enum):
    BLANK = auto()
    TITLE = auto()
    HEAD = auto()
    RULE = auto()
    ROW = auto()
    ITEM = auto()
    TEXT = auto()


@dataclass(frozen=True, slots=True)
class Sentence:
    """`text` stands at `[start, end)` of its passage; `claim` is the same as prose, without Markdown.

    `context` is the title, question or lead-in above it, without which it may not make sense; empty if there is none.
    """

    text: str
    start: int
    end: int
    claim: str
    context: str


@dataclass(frozen=True, slots=True)
class _Block:
    kind: _Kind
    start: int
    text: str

    @property
    def is_prose(self) -> bool:
        return self.kind in (_Kind.TEXT, _Kind.ITEM)


def sentences(passage: str) -> list[Sentence]:
    """Every sentence, list item and table row that states something, in order.

    Titles, questions and lead-ins (with a colon) state nothing themselves and become the context of what follows.
    """
    found: list[Sentence] = []
    head: list[str] = []
    context = ""
    for block in _blocks(passage):
        if block.kind is _Kind.TITLE:
            context = plain(block.text)
        if block.kind is _Kind.ROW:
            found.append(_sentence(block.start, block.text, _row(head, block.text), context))
        elif block.kind is not _Kind.RULE:
            head = _cells(block.text) if block.kind is _Kind.HEAD else []
        for start, text in _cut(block):
            if text.endswith(("?", ":")):
                context = plain(text)
            else:
                found.append(_sentence(start, text, plain(text), context))
    return found


def plain(text: str) -> str:
    """The text as prose: no Markdown markers, links by their words, single spaces."""
    bare = _START.sub("", text, count=1)
    return " ".join(_EMPHASIS.sub("", _LINK.sub(r"\1", bare)).split())


def _sentence(start: int, text: str, claim: str, context: str) -> Sentence:
    return Sentence(text, start, start + len(text), claim, context)


def _cut(block: _Block) -> Iterator[tuple[int, str]]:
    """The sentences of prose. One that is but an emphasised name (`**BM25.** A ranking function`) stays with the next."""
    begun = 0
    ends = [boundary["end_index"] for boundary in get_sentence_boundaries("en", block.text)] if block.is_prose else []
    for end in ends:
        raw = block.text[begun:end]
        is_name = _NAME.fullmatch(raw.strip()) or raw.count("**") % 2
        if raw.strip() and (end == ends[-1] or not is_name):
            yield block.start + end - len(raw.lstrip()), raw.strip()
            begun = end


def _blocks(passage: str) -> Iterator[_Block]:
    """Lines, with those that go on with a paragraph or an item joined to it."""
    block = _Block(_Kind.BLANK, 0, "")
    for line in _lines(passage):
        if line.kind is _Kind.TEXT and block.is_prose:
            block = replace(block, text=passage[block.start : line.start + len(line.text)])
        else:
            yield block
            block = line
    yield block


def _lines(passage: str) -> Iterator[_Block]:
    """Lines without the space around them and the marker of a list item."""
    before = _Block(_Kind.BLANK, 0, "")
    matches = [*re.finditer(r"^.*$", passage, re.MULTILINE)]
    texts = [match.group().rstrip() for match in matches]
    for match, text, after in zip(matches, texts, [*texts[1:], ""], strict=True):
        kind = _kind(text, before, after)
        marker = _MARKER.match(text) if kind is _Kind.ITEM else None
        skipped = marker.end() if marker else len(text) - len(text.lstrip())
        before = _Block(kind, match.start() + skipped, text[skipped:])
        yield before


def _kind(line: str, before: _Block, after: str) -> _Kind:
    if _RULE.match(line):
        return _Kind.RULE if "|" in line else _Kind.BLANK
    if _HEADING.match(line) or _is_title(line, before, after):
        return _Kind.TITLE
    if _ROW.match(line):
        return _Kind.HEAD if "|" in after and _RULE.match(after) else _Kind.ROW
    if _MARKER.match(line):
        return _Kind.ITEM
    return _Kind.ROW if _GAP.search(line) else _Kind.TEXT


def _is_title(line: str, before: _Block, after: str) -> bool:
    """A short line without a full stop, alone or above a clearly longer line that starts anew."""
    text = _NUMBERING.sub("", line.strip(), count=1)
    if not text or len(text.split()) > _TITLE_WORDS or text[-1] in ".!?:;,|" or any(char.isdigit() for char in text) or _MARKER.match(line):
        return False
    if before.is_prose and before.text.rstrip()[-1] not in ".!?":
        return False
    follower = after.strip()
    return not follower or (follower[0].isupper() and len(follower) > 1.5 * len(line))


def _cells(row: str) -> list[str]:
    cells = row.strip().strip("|").split("|") if _ROW.match(row) else _GAP.split(row)
    return [plain(cell) for cell in cells]


def _row(head: list[str], row: str) -> str:
    pairs = zip_longest(head, _cells(row), fillvalue="")
    return "; ".join(f"{name}: {value}" if name else value for name, value in pairs if value)
