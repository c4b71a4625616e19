"""The strategies of cutting a stretch of text: where it pauses (`markdown`), by whole sentences, or by so many words."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from semantic_text_splitter import MarkdownSplitter, TextSplitter
from sentencex import get_sentence_boundaries

from contracts.generations import ChunkerRecipe
from contracts.media_types import MARKDOWN, essence
from kit.errors import Permanent

Size = Callable[[str], int]
Spans = Sequence[tuple[int, int]]
_WORD = re.compile(r"\S+")


class Cut(Protocol):
    """Promise: spans in order, within the limit, that together cover all of the text but white space."""

    def __call__(self, text: str, media_type: str) -> Spans:
        """The spans of `text`, which is of that media type."""
        ...


def cut_for(recipe: ChunkerRecipe, size: Size, limit: int) -> Cut:
    """The strategy of a recipe, for chunks of up to `limit` as `size` measures. Raises Permanent `chunker_invalid`."""
    if recipe.overlap >= limit:
        raise Permanent("chunker_invalid", f"an overlap of {recipe.overlap} tokens leaves nothing of chunks of {limit}; ask for less")
    match recipe.strategy:
        case "markdown":
            return _Pauses(size, limit, recipe.overlap)
        case "sentence":
            return _Packed(_sentences, size, limit, recipe.overlap)
        case "fixed":
            return _Packed(_words, size, limit, recipe.overlap)
    raise Permanent("chunker_invalid", f"{recipe.strategy!r} is no chunking strategy of this release: markdown, sentence or fixed")


class _Pauses:
    """Cuts where the text itself pauses: at headings and blocks of Markdown, else at paragraphs, lines, sentences and words."""

    def __init__(self, size: Size, limit: int, overlap: int = 0) -> None:
        self._plain = TextSplitter.from_callback(size, limit, overlap=overlap)
        self._markdown = MarkdownSplitter.from_callback(size, limit, overlap=overlap)

    def __call__(self, text: str, media_type: str) -> Spans:
        splitter = self._markdown if essence(media_type) == MARKDOWN else self._plain
        return [(at, at + len(chunk)) for at, chunk in splitter.chunk_indices(text)]


class _Packed:
    """Packs as many pieces into a chunk as fit; the next begins with those of its last that fit into the overlap."""

    def __init__(self, pieces: Callable[[str], Iterator[tuple[int, int]]], size: Size, limit: int, overlap: int) -> None:
        self._pieces = pieces
        self._size = size
        self._limit = limit
        self._overlap = overlap
        self._within_a_piece = _Pauses(size, limit)

    def __call__(self, text: str, media_type: str) -> Spans:
        pieces = [part for piece in self._pieces(text) for part in self._fitting(text, *piece)]
        sizes = [self._size(text[start:end]) for start, end in pieces]
        spans, first = [], 0
        while first < len(pieces):
            last = self._last(text, pieces, sizes, first)
            spans.append((pieces[first][0], pieces[last][1]))
            first = len(pieces) if last + 1 == len(pieces) else self._next(sizes, first, last)
        return spans

    def _fitting(self, text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
        """The piece, or the parts of one that is too long by itself."""
        if self._size(text[start:end]) <= self._limit:
            yield start, end
        else:
            yield from ((start + at, start + to) for at, to in self._within_a_piece(text[start:end], ""))

    def _last(self, text: str, pieces: Spans, sizes: Sequence[int], first: int) -> int:
        """The last piece of the chunk that begins with `first`. Sizes may add up to more or less than that of the whole."""
        last, total = first, sizes[first]
        while last + 1 < len(pieces) and total + sizes[last + 1] <= self._limit:
            last += 1
            total += sizes[last]
        while last > first and self._size(text[pieces[first][0] : pieces[last][1]]) > self._limit:
            last -= 1
        return last

    def _next(self, sizes: Sequence[int], first: int, last: int) -> int:
        """The piece that the next chunk begins with: after `first`, and at the latest after `last`."""
        begin, total = last + 1, 0
        while begin - 1 > first and total + sizes[begin - 1] <= self._overlap:
            begin -= 1
            total += sizes[begin]
        return begin


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    begun = 0
    for boundary in get_sentence_boundaries("en", text):
        end: int = boundary["end_index"]
        if text[begun:end].strip():
            yield begun, end
            begun = end
    if text[begun:].strip():
        yield begun, len(text)


def _words(text: str) -> Iterator[tuple[int, int]]:
    return (match.span() for match in _WORD.finditer(text))
