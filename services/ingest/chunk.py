"""A document's text to the spans that are embedded, cut where the text itself pauses, each within the model's limit."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from semantic_text_splitter import MarkdownSplitter, TextSplitter

from contracts.media_types import MARKDOWN, essence
from services.ingest.document import ParsedDocument

_SPECIAL_TOKENS = 2  # the model puts one before and one after each text
_CHARACTERS_A_TOKEN = 8  # a tokenizer may read any run as one unknown token: more characters than this a token count as more
_STRETCH = 32_768  # the splitter's time grows with the square of a text without pauses, so longer ones are cut first


@dataclass(frozen=True, slots=True)
class Span:
    """A chunk: `[start, end)` of the document's text, without white space at its ends; `page` and `heading` are those of its start."""

    start: int
    end: int
    page: int | None
    heading: str | None


class Chunker:
    """Cuts documents into spans that `count_tokens` finds to be within `max_tokens`, the model's limit with its special tokens."""

    def __init__(self, count_tokens: Callable[[str], int], max_tokens: int) -> None:
        self._count_tokens = count_tokens
        self._limit = max_tokens - _SPECIAL_TOKENS
        self._plain = TextSplitter.from_callback(self._size, self._limit)
        self._markdown = MarkdownSplitter.from_callback(self._size, self._limit)

    def chunk(self, document: ParsedDocument, media_type: str) -> list[Span]:
        """Spans in order that together cover all of the text but white space."""
        splitter = self._markdown if essence(media_type) == MARKDOWN else self._plain
        return [
            Span(start, end, document.page_at(start), document.heading_at(start))
            for first, last in _stretches(document)
            for start, end in _stripped(first, splitter.chunk_indices(document.text[first:last]))
        ]

    def _size(self, text: str) -> int:
        """Tokens of `text`; for one that is too long by its length alone, a number over the limit, without counting."""
        least = -(-len(text) // _CHARACTERS_A_TOKEN)
        return least if least > self._limit else max(least, self._count_tokens(text))


def _stripped(offset: int, chunks: list[tuple[int, str]]) -> Iterator[tuple[int, int]]:
    for at, text in chunks:
        start = offset + at + len(text) - len(text.lstrip())
        if length := len(text.strip()):
            yield start, start + length


def _stretches(document: ParsedDocument) -> Iterator[tuple[int, int]]:
    """Parts that no chunk crosses: a page, unless its last sentence goes on overleaf, and of long ones a part that ends in a pause."""
    text = document.text
    breaks = [page.start for page in document.pages if text.endswith("\n", 0, page.start)]
    for start, end in pairwise(sorted({0, *breaks, len(text)})):
        while end - start > _STRETCH:
            pause = _last_pause(text, start, start + _STRETCH)
            yield start, pause
            start = pause
        yield start, end


def _last_pause(text: str, start: int, end: int) -> int:
    half = (start + end) // 2
    return next((at + 1 for pause in ("\n\n", "\n", " ") if (at := text.rfind(pause, half, end)) >= 0), end)
