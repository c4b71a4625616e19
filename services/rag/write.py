"""Writing: a language model answers from the passages, or, if none does, the best sentences do."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from uuid import UUID

from kit.adapters.extractive import EXTRACTIVE
from kit.errors import DependencyDown, Transient
from kit.ports.llm import Completion, CompletionRequest, LLMClient, Purpose
from kit.ports.vectors import Hit
from services.rag.retrieve import Question
from services.rag.stopwatch import Stopwatch

_AWAY = (DependencyDown, Transient)
# What is left when the model has not answered is enough for the best sentences.
_SHARE = 0.9


@dataclass(frozen=True, slots=True)
class Writer:
    """Asks the variant's model, or those of the settings."""

    llm: LLMClient

    async def write(self, question: Question, passages: Sequence[Hit], answer_id: UUID, watch: Stopwatch) -> Completion:
        """The draft. Raises Permanent as the gateway does."""
        request = _request(question, passages, answer_id)
        try:
            completion = await watch.within(_SHARE, self.llm.complete(request))
        except _AWAY as error:
            watch.degrade("llm", error)
            return await self.llm.complete(replace(request, models=(EXTRACTIVE,)))
        return _noted(completion, watch)

    async def stream(
        self, question: Question, passages: Sequence[Hit], answer_id: UUID, watch: Stopwatch
    ) -> AsyncGenerator[str | Completion, None]:
        """The draft in pieces. Raises also what goes wrong after the first."""
        request, begun = _request(question, passages, answer_id), False
        try:
            async with aclosing(self.llm.stream(request)) as pieces:
                async for piece in pieces:
                    begun = True
                    yield _noted(piece, watch) if isinstance(piece, Completion) else piece
        except _AWAY as error:
            if begun:
                raise
            watch.degrade("llm", error)
            async with aclosing(self.llm.stream(replace(request, models=(EXTRACTIVE,)))) as pieces:
                async for piece in pieces:
                    yield piece


def _request(question: Question, passages: Sequence[Hit], answer_id: UUID) -> CompletionRequest:
    return question.variant.request(question.text, passages, question.caller(Purpose.ANSWER, str(answer_id)))


def _noted(completion: Completion, watch: Stopwatch) -> Completion:
    for failover in completion.failovers:
        watch.degrade("llm_first_choice", f"{failover.model}: {failover.code}")
    return completion
