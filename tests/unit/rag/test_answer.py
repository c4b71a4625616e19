"""The main path: what is not proven is withheld."""

import pytest

from kit.clock import FakeClock
from kit.fakes.embedding import HashEmbedding
from kit.fakes.llm import ScriptedLLM
from kit.ports.llm import ABSTENTION, ModelRef
from kit.settings import LLMProvider
from services.rag.answered import Answer
from services.rag.grounded_answer import GROUNDED_ANSWER
from services.rag.registry.entry import Kind
from services.rag.registry.errors import Invalid
from services.rag.retrieve import Question
from services.rag.stopwatch import Stopwatch
from services.rag.variants import DEFAULT, RetrieverKind, VariantDefinition
from tests.unit.rag.main_path import ASKED, Recorded, Shown, answerer, question, retriever
from tests.unit.rag.shelf import shelf_with_built_in, variant_on


async def answered(draft: str, hidden: set[str] | None = None, top_k: int = 5) -> Answer:
    """The answer to a question when the model drafts that."""
    return await (await answerer(ScriptedLLM([draft]), Shown(hidden or set()))).answer(await question(top_k=top_k))


async def test_a_proven_answer_is_given_with_its_citation() -> None:
    """Markers in the text, spans beside it."""
    answer = await answered('Within two weeks. [1: "within 14 days"]')

    assert (answer.text, answer.abstained) == ("Within two weeks. [1]", False)
    assert [citation.quote for citation in answer.citations] == ["within 14 days"]


@pytest.mark.parametrize("draft", [ABSTENTION, "", "Within a year.", 'Within a year. [1: "within 14 years"]'])
async def test_an_answer_that_nothing_proves_is_withheld(draft: str) -> None:
    """Whether the model abstained, said nothing, or quoted what is not there."""
    answer = await answered(draft)

    assert (answer.text, answer.abstained, answer.citations) == (ABSTENTION, True, ())


async def test_a_document_that_may_not_be_shown_takes_no_place_of_another() -> None:
    """The best `top_k` are cut from what may be shown."""
    answer = await answered(ABSTENTION, hidden={"copy"}, top_k=1)

    assert [hit.chunk.document_id for hit in answer.passages] == ["policy"]


async def test_a_prompt_that_cannot_be_rendered_asks_no_model() -> None:
    """Somebody put a prompt into production that wants more than a question and passages."""
    shelf, llm = shelf_with_built_in(), ScriptedLLM(["never said"])
    text = {"type": "string"}
    shelf.put(Kind.PROMPT, GROUNDED_ANSWER, {"template": "{{ question }} {{ mood }}", "variables": {"question": text, "mood": text}})
    asked = Question(ASKED, "default", await variant_on(shelf), 5)

    with pytest.raises(Invalid, match="mood: is missing"):
        await (await answerer(llm)).answer(asked)

    assert llm.requests == []


async def test_the_answer_names_its_variant_and_prompt_and_asks_their_model() -> None:
    """What was used, by name and number, and on whose account."""
    shelf, llm = shelf_with_built_in(), ScriptedLLM([ABSTENTION])
    pinned = VariantDefinition(provider=LLMProvider.OPENAI, model="gpt-9", max_tokens=77, temperature=None, support=0.9)
    shelf.put(Kind.VARIANT, DEFAULT, pinned.model_dump(mode="json"))
    asked = Question(ASKED, "acme", await variant_on(shelf), 5, key_id="k1")

    answer = await (await answerer(llm)).answer(asked)

    assert (answer.prompt.name, answer.prompt.version) == ("grounded-answer", "1")
    assert (answer.question.variant.identity.name, answer.question.variant.identity.version) == ("default", "2")
    [request] = llm.requests
    assert (request.models, request.max_tokens, request.temperature) == ((ModelRef("openai", "gpt-9"),), 77, None)
    assert request.grounding is not None
    assert request.grounding.support == 0.9
    assert (request.caller.request_id, request.caller.tenant_id, request.caller.key_id) == (str(answer.answer_id), "acme", "k1")


@pytest.mark.parametrize(("kind", "dense", "sparse"), [("hybrid", True, True), ("dense", True, False), ("sparse", False, True)])
async def test_a_variant_says_which_vectors_are_searched(kind: str, dense: bool, sparse: bool) -> None:
    """And nothing is embedded for a search by words alone."""
    shelf, embedder, vectors = shelf_with_built_in(), HashEmbedding(), Recorded()
    shelf.put(Kind.VARIANT, DEFAULT, VariantDefinition(retriever=RetrieverKind(kind), candidates=7).model_dump(mode="json"))
    asked = Question(ASKED, "default", await variant_on(shelf), 5)

    await retriever(vectors, embedder=embedder).retrieve(asked, Stopwatch(FakeClock()))

    [query] = vectors.queries
    assert (query.dense is not None, query.sparse is not None, query.candidates) == (dense, sparse, 7)
    assert bool(embedder.calls) == dense
