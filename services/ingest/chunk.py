"""A document's text to the spans that are embedded, cut as a recipe says, each within the model's limit."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from contracts.generations import ChunkerRecipe
from services.ingest.cutting import Cut, cut_for
from services.ingest.document import ParsedDocument

_SPECIAL_TOKENS = 2  # the model puts one before and one after each text
_HEADING_TOKENS = 24  # what a heading may take of the limit; of a longer one its first words are carried
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
    """Cuts documents into spans that `count_tokens` finds to be within `max_tokens`, the model's limit with its special tokens.

    Raises Permanent `chunker_invalid` if the recipe is of another release, or asks for an overlap as long as a chunk.
    """

    def __init__(self, count_tokens: Callable[[str], int], max_tokens: int, recipe: ChunkerRecipe | None = None) -> None:
        recipe = recipe or ChunkerRecipe(headings=False)
        limit = min(max_tokens - _SPECIAL_TOKENS, recipe.max_tokens or max_tokens)
        self._count_tokens = count_tokens
        self._for_headings = min(_HEADING_TOKENS, limit // 4) if recipe.headings else 0
        self._limit = limit - self._for_headings
        self._cut: Cut = cut_for(recipe, self._size, self._limit)

    def chunk(self, document: ParsedDocument, media_type: str) -> list[Span]:
        """Spans in order that together cover all of the text but white space."""
        return [
            Span(start, end, document.page_at(start), document.heading_at(start))
            for first, last in _stretches(document)
            for start, end in _stripped(document.text, first, self._cut(document.text[first:last], media_type))
        ]

    def embedded_text(self, text: str, span: Span) -> str:
        """What of a chunk is embedded: its span of `text`, below its heading if that is to be carried and does not stand there."""
        chunk = text[span.start : span.end]
        heading = self._carried(span.heading) if span.heading and self._for_headings else ""
        return f"{heading}\n\n{chunk}" if heading and heading not in " ".join(chunk[: 2 * len(heading) + 8].split()) else chunk

    def _carried(self, heading: str) -> str:
        words = heading.split()
        while words and self._size(" ".join(words)) > self._for_headings:
            words.pop()
        return " ".join(words)

    def _size(self, text: str) -> int:
        """Tokens of `text`; for one that is too long by its length alone, a number over the limit, without counting."""
        least = -(-len(text) // _CHARACTERS_A_TOKEN)
        return least if least > self._limit else max(least, self._count_tokens(text))


def _stripped(text: str, offset: int, chunks: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    for start, end in chunks:
        piece = text[offset + start : offset + end]
        at = offset + start + len(piece) - len(piece.lstrip())
        if length := len(piece.strip()):
            yield at, at + length


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
