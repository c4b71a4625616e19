"""Answers and searches that were given before, and still hold: the same index, and all they show is still visible."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import Any

from pydantic import BaseModel, TypeAdapter

from contracts.queries import Citation
from kit.fusion import Place
from kit.ids import IdSource
from kit.ports.llm import Completion
from kit.ports.vectors import Chunk, Hit
from services.rag.answer import Answerer
from services.rag.answered import Answer
from services.rag.memo import Memo
from services.rag.retrieve import Question, Retriever, VisibleVersions
from services.rag.stopwatch import Stopwatch

Epoch = Callable[[str, str], Awaitable[str]]


class _Shown(BaseModel):
    """A hit, without its vector."""

    chunk: Chunk
    score: float
    places: dict[str, Place]

    @classmethod
    def of(cls, hit: Hit) -> "_Shown":
        return cls(chunk=hit.chunk, score=hit.score, places=dict(hit.places))

    def hit(self) -> Hit:
        return Hit(self.chunk, self.score, self.places)


class _Answered(BaseModel):
    """What of an answer does not depend on who asks again, and when."""

    text: str
    abstained: bool
    citations: tuple[Citation, ...]
    passages: tuple[_Shown, ...]
    completion: Completion


_HITS = TypeAdapter(tuple[_Shown, ...])


@dataclass(frozen=True, slots=True)
class Recall:
    """What both share. `epoch` tells, of a generation and a tenant, which it is and how often it has changed: a change makes other keys.

    That alone would show a document until the index has heard of its delete, so what is remembered must also pass `versions`.
    """

    memo: Memo
    versions: VisibleVersions
    epoch: Epoch

    async def key(self, kind: str, question: Question) -> str:
        """Names everything that a result depends on: who asks, what, over which documents, by which pipeline and prompt, of which index."""
        variant = question.variant
        told: list[Any] = [
            question.tenant_id,
            question.text,
            question.top_k,
            asdict(question.filter),
            variant.definition.model_dump(mode="json"),
            variant.prompt.identity.model_dump(),
            await self.epoch(variant.definition.index_generation, question.tenant_id),
        ]
        digest = sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()
        return f"rag:{kind}:{question.tenant_id}:{digest}"

    async def visible(self, question: Question, hits: Sequence[Hit]) -> bool:
        """Whether all of `hits` may be shown now."""
        return len(await self.versions.visible(question.tenant_id, hits)) == len(hits)


@dataclass(frozen=True, slots=True)
class RememberedSearch:
    """`Retriever` with a memory."""

    retriever: Retriever
    recall: Recall

    async def retrieve(self, question: Question, watch: Stopwatch) -> list[Hit]:
        """As the retriever does; what lacks something is not kept."""
        if not question.cached:
            return await self.retriever.retrieve(question, watch)
        key = await self.recall.key("search", question)

        async def known() -> list[Hit] | None:
            value = await self.recall.memo.get(key)
            hits = [shown.hit() for shown in _HITS.validate_json(value)] if value else None
            return hits if hits is not None and await self.recall.visible(question, hits) else None

        async def work() -> list[Hit]:
            hits = await self.retriever.retrieve(question, watch)
            if not watch.degraded:
                await self.recall.memo.put(key, _HITS.dump_json(tuple(_Shown.of(hit) for hit in hits)))
            return hits

        return await self.recall.memo.once(key, known, work)


@dataclass(frozen=True, slots=True)
class RememberedAnswers:
    """`Answerer` with a memory. An answer that was given before has a new id, costs nothing, and says that it is `cached`."""

    answerer: Answerer
    recall: Recall
    ids: IdSource

    async def answer(self, question: Question) -> Answer:
        """As the answerer does."""
        if not question.cached:
            return await self.answerer.answer(question)
        key = await self.key(question)

        async def work() -> Answer:
            answer = await self.answerer.answer(question)
            await self.keep(key, answer)
            return answer

        return await self.recall.memo.once(key, lambda: self.known(key, question), work)

    async def key(self, question: Question) -> str:
        """Where its answer is kept, of the index as it is now: to be asked for before anything is searched."""
        return await self.recall.key("answer", question)

    async def known(self, key: str, question: Question) -> Answer | None:
        """What was answered before, if it still holds."""
        watch, value = question.stopwatch(self.answerer.clock), await self.recall.memo.get(key)
        return await self._again(question, _Answered.model_validate_json(value), watch) if value else None

    async def keep(self, key: str, answer: Answer) -> None:
        """Remembers an answer, unless it lacks something."""
        if not answer.degraded:
            await self.recall.memo.put(key, _kept(answer).model_dump_json().encode())

    async def _again(self, question: Question, kept: _Answered, watch: Stopwatch) -> Answer | None:
        passages = tuple(shown.hit() for shown in kept.passages)
        if not await self.recall.visible(question, passages):
            return None
        free = replace(kept.completion, usage=replace(kept.completion.usage, input_tokens=0, output_tokens=0, cost_usd=0.0))
        named, timings = question.variant.prompt.identity, watch.timings_ms()
        return Answer(self.ids(), question, kept.text, kept.abstained, kept.citations, passages, named, free, timings, cached=True)


def _kept(answer: Answer) -> _Answered:
    return _Answered(
        text=answer.text,
        abstained=answer.abstained,
        citations=answer.citations,
        passages=tuple(_Shown.of(hit) for hit in answer.passages),
        completion=answer.completion,
    )
