"""The main path: a question becomes an answer whose every citation has been verified."""

from dataclasses import dataclass
from uuid import UUID

from contracts.queries import Citation, NamedVersion
from kit.clock import Clock
from kit.ids import IdSource
from kit.metrics import ANSWERS
from kit.ports.llm import ABSTENTION, Caller, Completion, LLMClient, is_abstention
from kit.ports.vectors import Hit
from services.rag.cite import Citer
from services.rag.retrieve import Question, Retriever
from services.rag.stopwatch import Stopwatch


@dataclass(frozen=True, slots=True)
class Answer:
    """What a question was answered, on what it rests, and what it cost."""

    answer_id: UUID
    question: Question
    text: str
    abstained: bool
    citations: tuple[Citation, ...]
    passages: tuple[Hit, ...]
    prompt: NamedVersion
    completion: Completion
    timings_ms: dict[str, float]


@dataclass(frozen=True, slots=True)
class Answerer:
    """Retrieves, generates, cites."""

    retriever: Retriever
    llm: LLMClient
    citer: Citer
    clock: Clock
    ids: IdSource

    async def answer(self, question: Question) -> Answer:
        """Raises as the embedding model, the vector store, the language model and the database do."""
        watch, answer_id = Stopwatch(self.clock), self.ids()
        passages = await self.retriever.retrieve(question, watch)
        with watch.stage("generate"):
            request = question.variant.request(question.text, passages, Caller(str(answer_id), question.tenant_id, question.key_id))
            completion = await self.llm.complete(request)
        with watch.stage("cite"):
            cited = await self.citer.verified(completion.text, passages, question.tenant_id)
        # An answer that nothing proves is no answer: a refusal, an empty text, or claims whose quotes are not in the documents.
        abstained = is_abstention(cited.text) or not cited.citations
        ANSWERS.labels(completion.provider, str(abstained).lower()).inc()
        return Answer(
            answer_id=answer_id,
            question=question,
            text=ABSTENTION if abstained else cited.text,
            abstained=abstained,
            citations=() if abstained else cited.citations,
            passages=tuple(passages),
            prompt=question.variant.prompt.identity,
            completion=completion,
            timings_ms=watch.timings_ms(),
        )
