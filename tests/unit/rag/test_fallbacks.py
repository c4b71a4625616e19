"""What is away is done without, and the answer says so."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

import pytest

from kit.adapters.extractive import EXTRACTIVE
from kit.clock import FakeClock
from kit.errors import DependencyDown, Permanent, Transient, WorkbenchError
from kit.fakes.embedding import HashEmbedding
from kit.fakes.llm import ScriptedLLM
from kit.ports.embedding import Vectors
from kit.ports.rerank import RerankerKind
from services.rag.rewrite import keywords
from services.rag.stopwatch import Stopwatch
from services.rag.variants import Limits, RetrieverKind, VariantDefinition
from tests.unit.rag.main_path import PROVEN, Recorded, answerer, filled, question, retriever
from tests.unit.rag.test_cite import passage

RERANKED = VariantDefinition(reranker=RerankerKind.MAXSIM)
AWAY = DependencyDown("embedding_down", "away")


class NoEmbedding(HashEmbedding):
    """A model that is away."""

    async def embed(self, texts: Sequence[str]) -> Vectors:
        raise AWAY


@dataclass
class Judge:
    """A reranker that prefers what comes last, or fails, or never ends."""

    error: Exception | None = None
    hangs: bool = False
    name: str = "judge"

    async def rerank(self, question: str, texts: Sequence[str]) -> list[float]:
        if self.hangs:
            await asyncio.sleep(60)
        if self.error:
            raise self.error
        return [float(number) for number in range(len(texts))]


@pytest.mark.parametrize("kind", [RetrieverKind.HYBRID, RetrieverKind.DENSE])
async def test_without_the_embedding_model_words_are_searched(kind: RetrieverKind) -> None:
    """Also for a variant that would search by meaning alone."""
    answering = await answerer(ScriptedLLM([PROVEN]), embedder=NoEmbedding())

    answer = await answering.answer(await question(VariantDefinition(retriever=kind)))

    assert (answer.abstained, answer.degraded) == (False, ("dense",))


async def test_a_reranker_orders_the_first_hits() -> None:
    """Its places are told beside those of the lists; what it does not judge stays behind."""
    vectors = await filled([replace(passage().chunk, document_id=name, chunk_id=uuid4()) for name in "abc"])
    asked, watch = await question(RERANKED.model_copy(update={"rerank_candidates": 2})), Stopwatch(FakeClock())
    before = await retriever(vectors).retrieve(await question(), watch)

    hits = await retriever(vectors, reranker=Judge()).retrieve(asked, watch)

    assert [hit.chunk for hit in hits] == [before[1].chunk, before[0].chunk, before[2].chunk]
    assert ["rerank" in hit.places for hit in hits] == [True, True, False]
    assert watch.degraded == []


@pytest.mark.parametrize("judge", [Judge(error=Transient("rerank_order_invalid", "no order")), Judge(hangs=True)])
async def test_without_the_reranker_hits_stay_as_they_were_fused(judge: Judge) -> None:
    """Whether it fails or takes too long."""
    vectors = await filled([replace(passage().chunk, document_id=name, chunk_id=uuid4()) for name in "abc"])
    watch = Stopwatch(FakeClock(), budget_s=0.2)
    expected = await retriever(vectors).retrieve(await question(), watch)

    hits = await retriever(vectors, reranker=judge).retrieve(await question(RERANKED), watch)

    assert [hit.chunk for hit in hits] == [hit.chunk for hit in expected]
    assert watch.degraded == ["reranker"]


async def test_a_reranker_that_is_not_set_up_is_an_error() -> None:
    """A variant must never be other than it says."""
    with pytest.raises(Permanent, match="RERANK__MAXSIM"):
        await retriever(await filled([passage().chunk])).retrieve(await question(RERANKED), Stopwatch(FakeClock()))


@pytest.mark.parametrize("error", [DependencyDown("llm_timeout", "slow"), Transient("llm_failed", "busy")])
async def test_without_the_language_model_the_best_sentences_answer(error: WorkbenchError) -> None:
    """The answer says that it is not the model's."""
    llm = ScriptedLLM([error, PROVEN])

    answer = await (await answerer(llm)).answer(await question())

    assert (answer.abstained, answer.degraded) == (False, ("llm",))
    assert [request.models for request in llm.requests] == [(), (EXTRACTIVE,)]


async def test_a_model_slower_than_the_variant_allows_is_done_without() -> None:
    """One budget of time for the whole answer."""
    llm = ScriptedLLM([PROVEN], takes_s=0.2)
    quick = VariantDefinition(limits=Limits(timeout_s=0.1))

    with pytest.raises(DependencyDown) as raised:
        await asyncio.wait_for((await answerer(_Slow(llm))).answer(await question(quick)), 30)

    assert raised.value.code == "llm_unreachable"


class _Slow:
    """A model that is too slow, behind which there is nobody."""

    provider, model = "slow", "slow"

    def __init__(self, llm: ScriptedLLM) -> None:
        self._llm = llm
        self.stream = llm.stream

    async def complete(self, request: object) -> object:
        if getattr(request, "models", ()) == (EXTRACTIVE,):
            raise DependencyDown("llm_unreachable", "nobody there")
        await asyncio.sleep(60)
        return None


async def test_a_question_in_other_words_is_searched_as_well() -> None:
    """With the default, which writes nothing, its keywords are the other wording, and that is no lack."""
    vectors, watch = Recorded(), Stopwatch(FakeClock())
    llm = ScriptedLLM([Permanent("grounding_missing", "configure another")])

    await retriever(vectors, llm=llm).retrieve(await question(VariantDefinition(multi_query=True)), watch)

    assert len(vectors.queries) == 2
    assert watch.degraded == []


def test_keywords_are_what_a_question_is_about() -> None:
    """Without the words that make it a question."""
    assert keywords("What is the mileage allowance for a private car?") == "mileage allowance private car"
