"""Reranking: the first hits are judged once more, against the question itself."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from kit.errors import WorkbenchError
from kit.fusion import Place
from kit.ports.llm import Caller, ModelRef
from kit.ports.rerank import Reranker, RerankerKind
from kit.ports.vectors import Hit
from services.rag.stopwatch import Stopwatch

RERANK = "rerank"
_SHARE = 0.3


class Rerankers(Protocol):
    """Whoever knows which rerankers are set up."""

    def reranker(self, kind: RerankerKind, caller: Caller, models: tuple[ModelRef, ...] = ()) -> Reranker | None:
        """The reranker of a kind, or None for `none`. Raises Permanent `reranker_not_set_up`."""
        ...


@dataclass(frozen=True, slots=True)
class Reranking:
    """What a variant asks for: the kind, how many hits it judges, and on whose account."""

    rerankers: Rerankers

    async def ordered(
        self, kind: RerankerKind, caller: Caller, question: str, hits: Sequence[Hit], count: int, watch: Stopwatch
    ) -> list[Hit]:
        """The first `count` hits by the reranker's judgement, then the others; all as they came if it fails or takes too long."""
        reranker = self.rerankers.reranker(kind, caller)
        if reranker is None or not hits:
            return list(hits)
        with watch.stage(RERANK):
            try:
                scores = await watch.within(_SHARE, reranker.rerank(question, [hit.chunk.text for hit in hits[:count]]))
            except WorkbenchError as error:
                watch.degrade("reranker", error)
                return list(hits)
        best = sorted(zip(scores, hits[:count], strict=True), key=lambda pair: -pair[0])
        judged = [replace(hit, places={**hit.places, RERANK: Place(rank, score)}) for rank, (score, hit) in enumerate(best, 1)]
        return [*judged, *hits[count:]]
