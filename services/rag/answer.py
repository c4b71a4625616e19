"""The main path: a question becomes an answer whose every citation has been verified."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from kit.clock import Clock
from kit.ids import IdSource
from kit.metrics import ANSWERS
from kit.ports.llm import ABSTENTION, Completion, FinishReason, is_abstention
from kit.ports.vectors import Hit
from services.rag.answered import Answer
from services.rag.cite import CitedText, Citer
from services.rag.pack import packed
from services.rag.retrieve import Question, Retriever
from services.rag.stopwatch import Stopwatch
from services.rag.write import Writer


@dataclass(frozen=True, slots=True)
class Answerer:
    """Retrieves, generates, cites."""

    retriever: Retriever
    writer: Writer
    citer: Citer
    count_tokens: Callable[[str], int]
    clock: Clock
    ids: IdSource

    async def answer(self, question: Question) -> Answer:
        """Raises as the vector store, the database and, beyond what can be done without them, the models do."""
        watch, answer_id = question.stopwatch(self.clock), self.ids()
        passages = await self.passages(question, watch)
        with watch.stage("generate"):
            completion = await self.writer.write(question, passages, answer_id, watch)
        with watch.stage("cite"):
            cut = completion.finish_reason is FinishReason.LENGTH
            cited = await self.citer.verified(completion.text, passages, question.tenant_id, cut)
        return made(answer_id, question, passages, completion, cited, watch)

    async def passages(self, question: Question, watch: Stopwatch) -> list[Hit]:
        """What a model may read, best first."""
        hits = await self.retriever.retrieve(question, watch)
        return packed(hits, question.variant.definition.context_tokens, self.count_tokens)


def made(answer_id: UUID, question: Question, passages: list[Hit], completion: Completion, cited: CitedText, watch: Stopwatch) -> Answer:
    """An answer that nothing proves is no answer: a refusal, an empty text, or claims whose quotes are not in the documents."""
    abstained = is_abstention(cited.text) or not cited.citations
    ANSWERS.labels(completion.provider, str(abstained).lower()).inc()
    text, citations = (ABSTENTION, ()) if abstained else (cited.text, cited.citations)
    named, timings = question.variant.prompt.identity, watch.timings_ms()
    return Answer(answer_id, question, text, abstained, citations, tuple(passages), named, completion, timings, tuple(watch.degraded))
