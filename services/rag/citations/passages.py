"""The passages of an answer, ready to be searched: those that follow each other in a document are one text."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby

from kit.ports.vectors import Chunk, Hit
from services.rag.citations.drops import Drop
from services.rag.citations.fold import Folded, folded
from services.rag.citations.match import quote_of


@dataclass(frozen=True, slots=True)
class Span:
    """A quote's place in a document's stored text: `[start, end)`, in code points; folded, that reads `words`. `chunk` is compared not."""

    document_id: str
    document_version: int
    document_sha256: str
    start: int
    end: int
    words: str = field(compare=False)
    chunk: Chunk = field(compare=False)


@dataclass
class _Stretch:
    """Chunks that touch, overlap, or follow each other with nothing but white space between, as one text.

    At `begins[i]` of `text` begins what stands at `offsets[i]` of the document.
    """

    text: str = ""
    begins: list[int] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)

    def add(self, chunk: Chunk) -> None:
        """What is new in the next chunk."""
        end = self.offset(len(self.text)) if self.text else chunk.start
        fresh = chunk.text[max(0, end - chunk.start) :]
        if fresh:
            self.text += " " * (chunk.start > end)
            self.begins.append(len(self.text))
            self.offsets.append(max(chunk.start, end))
            self.text += fresh

    def offset(self, at: int) -> int:
        """Where in the document stands what ends before `text[at]`."""
        piece = bisect_right(self.begins, at - 1) - 1
        return self.offsets[piece] + at - self.begins[piece]

    def at(self, offset: int) -> int:
        """Where in `text` the document's code point at `offset` stands."""
        piece = bisect_right(self.offsets, offset) - 1
        return self.begins[piece] + offset - self.offsets[piece]

    @cached_property
    def folded(self) -> Folded:
        """All of it, folded once."""
        return folded(self.text)


class Passages:
    """What a model was shown, numbered from 1."""

    def __init__(self, hits: Sequence[Hit]) -> None:
        self._chunks = [hit.chunk for hit in hits]
        self.size = sum(len(chunk.text) for chunk in self._chunks)

    @cached_property
    def _stretches(self) -> dict[int, _Stretch]:
        return {id(chunk): stretch for stretch, chunks in _joined(self._chunks) for chunk in chunks}

    def locate(self, number: int, written: str) -> Span | Drop:
        """Where a quote stands that is said to be of passage `number`.

        Of several places it is the first within that passage; else one that begins or ends in it and goes on in the passage that stands
        beside it in the document. Elsewhere it does not count: the passage is part of what the model claims.
        """
        if not 1 <= number <= len(self._chunks):
            return Drop.NO_SUCH_PASSAGE
        quote = quote_of(written)
        if quote is None:
            return Drop.TOO_SHORT
        chunk = self._chunks[number - 1]
        stretch = self._stretches[id(chunk)]
        window = stretch.folded.window(stretch.at(chunk.start), stretch.at(chunk.start) + len(chunk.text))
        place = quote.within(stretch.folded, *window) or quote.across(stretch.folded, *window)
        return _span(chunk, stretch, *place) if place else Drop.NOT_IN_PASSAGE


def _span(chunk: Chunk, stretch: _Stretch, first: int, last: int) -> Span:
    start, end = stretch.folded.place(first, last)
    words = stretch.folded.text[first:last]
    version = (chunk.document_id, chunk.document_version, chunk.document_sha256)
    return Span(*version, stretch.offset(start + 1) - 1, stretch.offset(end), words, chunk)


def _joined(chunks: Sequence[Chunk]) -> Iterator[tuple[_Stretch, list[Chunk]]]:
    for _, of_version in groupby(sorted(chunks, key=_place), key=_version):
        stretch, members, end = _Stretch(), list[Chunk](), 0
        for chunk in of_version:
            if members and chunk.start > end and chunk.chunk_no != members[-1].chunk_no + 1:
                yield stretch, members
                stretch, members, end = _Stretch(), [], 0
            stretch.add(chunk)
            members.append(chunk)
            end = max(end, chunk.end)
        yield stretch, members


def _version(chunk: Chunk) -> tuple[str, int, str]:
    return chunk.document_id, chunk.document_version, chunk.document_sha256


def _place(chunk: Chunk) -> tuple[tuple[str, int, str], int, int]:
    return _version(chunk), chunk.start, chunk.end
