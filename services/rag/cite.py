"""Citations: what a model says it quotes is found in its passage, then in the stored text, or dropped."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from contracts.queries import Citation
from kit.metrics import CITATIONS
from kit.ports.llm import CITATION
from kit.ports.vectors import Chunk, Hit
from services.rag.store import StoredQuote

_CITATION = re.compile(rf"[ \t]*{CITATION.pattern}", re.DOTALL)

# What a model that was cut off leaves of its last citation.
_UNFINISHED = re.compile(r'[ \t]*\[\d{1,3}: "[^"]*\Z')


class StoredTexts(Protocol):
    """Promise: what is given stands in the stored text right now."""

    async def quotes(self, tenant_id: str, spans: Sequence[tuple[str, int, int]]) -> list[StoredQuote]:
        """What the text of the document with that hash says at each (sha256, start, end), in order."""
        ...


@dataclass(frozen=True, slots=True)
class Span:
    """A quote's place in a document's extracted text: `[start, end)`, in code points."""

    chunk: Chunk
    start: int
    end: int

    @property
    def quote(self) -> str:
        """What the chunk says there."""
        return self.chunk.text[self.start - self.chunk.start : self.end - self.chunk.start]


@dataclass(frozen=True, slots=True)
class CitedText:
    """An answer as people read it, `[1]` after a claim, and what the markers stand for."""

    text: str
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class Citer:
    """Verifies drafts. The stored text, not the index or the model, has the last word."""

    texts: StoredTexts

    async def verified(self, draft: str, passages: Sequence[Hit], tenant_id: str) -> CitedText:
        """Replaces each `[n: "quote"]` of `draft` by a marker if the quote stands in the stored text of passage n, by nothing if not."""
        drafted = [_locate(match, passages) for match in _CITATION.finditer(draft)]
        found = list(dict.fromkeys(span for span in drafted if span is not None))
        stored = await self.texts.quotes(tenant_id, [(span.chunk.document_sha256, span.start, span.end) for span in found])
        true = {span: at.page for span, at in zip(found, stored, strict=True) if at.quote == span.quote}
        markers = {span: number for number, span in enumerate(true, 1)}
        CITATIONS.labels("true").inc(sum(span in markers for span in drafted))
        CITATIONS.labels("false").inc(sum(span not in markers for span in drafted))
        spans = iter(drafted)
        text = _CITATION.sub(lambda _: _marker(next(spans), markers), draft)
        return CitedText(_UNFINISHED.sub("", text).strip(), tuple(_citation(span, number, true[span]) for span, number in markers.items()))


def _locate(match: re.Match[str], passages: Sequence[Hit]) -> Span | None:
    number, quote = int(match["passage"]), match["quote"]
    if not 1 <= number <= len(passages) or not quote.strip():
        return None
    chunk = passages[number - 1].chunk
    words = r"\s+".join(re.escape(word) for word in quote.split())
    place = re.search(rf"(?<!\w){words}(?!\w)", chunk.text)
    return Span(chunk, chunk.start + place.start(), chunk.start + place.end()) if place else None


def _marker(span: Span | None, markers: dict[Span, int]) -> str:
    return f" [{markers[span]}]" if span in markers else ""


def _citation(span: Span, marker: int, page: int | None) -> Citation:
    chunk = span.chunk
    return Citation(
        marker=marker,
        chunk_id=chunk.chunk_id,
        document_id=chunk.document_id,
        document_version=chunk.document_version,
        document_sha256=chunk.document_sha256,
        start=span.start,
        end=span.end,
        page=page,
        quote=span.quote,
    )
