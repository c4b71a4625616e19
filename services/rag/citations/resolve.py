"""Resolving: a draft in pieces becomes clean text, with a marker wherever a quote was verified."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from contracts.queries import Citation
from kit.metrics import CITATIONS, CITATIONS_DROPPED
from kit.ports.vectors import Hit
from services.rag.citations.drops import Drop
from services.rag.citations.fold import folded
from services.rag.citations.markers import Drafted, Markers
from services.rag.citations.passages import Passages, Span
from services.rag.store import StoredQuote

# To find so many quotes in so much text takes less than 5 ms, whatever they are; more do not hold up the event loop.
INLINE_QUOTES, INLINE_CHARACTERS = 3, 20_000


class StoredTexts(Protocol):
    """Promise: what is given stands in the stored text right now."""

    async def quotes(self, tenant_id: str, spans: Sequence[tuple[str, int, int]]) -> list[StoredQuote]:
        """What the text of the document with that hash says at each (sha256, start, end), in order."""
        ...


@dataclass(frozen=True, slots=True)
class Marker:
    """`text` (`[1]`, with the space before it) stands for `citation`; `first` if nothing before did."""

    text: str
    citation: Citation
    first: bool


Part = str | Marker


@dataclass
class _Prose:
    """Text as people read it: without white space at its ends, or before the place of a citation that was dropped."""

    begun: bool = False
    blanks: list[str] = field(default_factory=list)

    def write(self, text: str) -> str:
        """What can be shown now; white space only once something follows."""
        body = text.rstrip()
        shown = "".join(self.blanks) * self.begun + (body if self.begun else body.lstrip()) if body else ""
        if body:
            self.begun, self.blanks = True, []
        self.blanks.append(text[len(body) :])
        return shown

    def trim(self) -> None:
        """Drops the spaces before a citation."""
        self.blanks = ["".join(self.blanks).rstrip(" \t")]


class Resolver:
    """Resolves one draft. Joined, the parts it gives are the same however the draft is cut.

    What a model quotes counts if it is found in the passage it names and the stored text, which has the last word, says so too: every
    `quote` is that text's own, code point by code point. What does not count is dropped, and counted by why.
    """

    def __init__(self, texts: StoredTexts, passages: Sequence[Hit], tenant_id: str) -> None:
        self._texts = texts
        self._passages = Passages(passages)
        self._tenant_id = tenant_id
        self._markers = Markers()
        self._prose = _Prose()
        self._verified: dict[Span, Citation] = {}

    @property
    def citations(self) -> tuple[Citation, ...]:
        """Those that were verified so far, by their markers."""
        return tuple(self._verified.values())

    async def feed(self, piece: str) -> list[Part]:
        """What can be shown now. Raises as the database does."""
        read = self._markers.feed(piece)
        drafted = [part for part in read if isinstance(part, Drafted)]
        known = self.citations
        resolved = iter(await self._resolve(drafted) if drafted else [])
        return list(self._shown(read, resolved, len(known)))

    async def close(self, cut: bool = False) -> list[Part]:
        """The rest. A citation without end is text, unless the draft was `cut` off there."""
        held = self._markers.close()
        if cut:
            if held:
                CITATIONS_DROPPED.labels(Drop.UNFINISHED).inc()
            return []
        shown = self._prose.write(held)
        return [shown] if shown else []

    def _shown(self, read: Sequence[str | Drafted], resolved: Iterator[Citation | None], known: int) -> Iterator[Part]:
        for part in read:
            if isinstance(part, str):
                shown: Part = self._prose.write(part)
            else:
                self._prose.trim()
                citation = next(resolved)
                if citation is None:
                    continue
                shown = Marker(self._prose.write(f" [{citation.marker}]"), citation, citation.marker > known)
                known = max(known, citation.marker)
            if shown:
                yield shown

    async def _resolve(self, drafted: Sequence[Drafted]) -> list[Citation | None]:
        found = await self._located(drafted)
        new = list(dict.fromkeys(span for span in found if isinstance(span, Span) and span not in self._verified))
        await self._verify(new)
        return [self._outcome(span) for span in found]

    async def _located(self, drafted: Sequence[Drafted]) -> list[Span | Drop]:
        def located() -> list[Span | Drop]:
            return [self._passages.locate(one.passage, one.quote) for one in drafted]

        brief = len(drafted) <= INLINE_QUOTES and self._passages.size <= INLINE_CHARACTERS
        return located() if brief else await asyncio.to_thread(located)

    async def _verify(self, spans: Sequence[Span]) -> None:
        stored = await self._texts.quotes(self._tenant_id, [(span.document_sha256, span.start, span.end) for span in spans])
        for span, at in zip(spans, stored, strict=True):
            if at.quote and folded(at.quote).text == span.words:
                self._verified[span] = _citation(span, len(self._verified) + 1, at.quote, at.page)

    def _outcome(self, span: Span | Drop) -> Citation | None:
        citation = self._verified.get(span) if isinstance(span, Span) else None
        CITATIONS.labels("true" if citation else "false").inc()
        if citation is None:
            CITATIONS_DROPPED.labels(span if isinstance(span, Drop) else Drop.NOT_STORED).inc()
        return citation


def _citation(span: Span, marker: int, quote: str, page: int | None) -> Citation:
    return Citation(
        marker=marker,
        chunk_id=span.chunk.chunk_id,
        document_id=span.document_id,
        document_version=span.document_version,
        document_sha256=span.document_sha256,
        start=span.start,
        end=span.end,
        page=page,
        quote=quote,
    )
