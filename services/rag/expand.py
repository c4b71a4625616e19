"""A passage with what stands around it."""

from collections.abc import Sequence
from dataclasses import replace

from kit.ports.vectors import Chunk


def joined(chunk: Chunk, around: Sequence[Chunk]) -> Chunk:
    """The chunk with the text of its neighbours, which are of its version and in text order (see `VectorStore.neighbours`).

    Id, number and heading stay the chunk's; the page is that of the first. Between two chunks there is only white space in the document:
    it is written as so many line breaks, so that `text[i]` stands at `start + i`. Where a neighbour is missing, what is beyond it is left
    out; text that two have in common is there once.
    """
    first = last = chunk
    text = chunk.text
    for other in reversed([one for one in around if one.chunk_no < chunk.chunk_no]):
        if other.chunk_no != first.chunk_no - 1:
            break
        text, first = _glued(other.text, other.end, text, first.start), other
    for other in [one for one in around if one.chunk_no > chunk.chunk_no]:
        if other.chunk_no != last.chunk_no + 1:
            break
        text, last = _glued(text, last.end, other.text, other.start), other
    return replace(chunk, text=text, start=first.start, end=last.end, page=first.page)


def _glued(before: str, end: int, after: str, start: int) -> str:
    return before + "\n" * (start - end) + after[max(end - start, 0) :]
