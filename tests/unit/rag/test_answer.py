"""The main path: what is not proven is withheld."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

import pytest

from kit.clock import FakeClock
from kit.fakes.embedding import HashEmbedding
from kit.fakes.llm import ScriptedLLM
from kit.fakes.sparse import WordEncoder
from kit.fakes.vectors import InMemoryVectors
from kit.ports.llm import ABSTENTION
from kit.ports.vectors import Hit, Point
from services.rag.answer import Answer, Answerer
from services.rag.cite import Citer
from services.rag.prompts import GROUNDED_ANSWER
from services.rag.retrieve import Question, Retriever
from services.rag.variants import Variant
from tests.unit.rag.test_cite import Texts, passage


@dataclass
class Shown:
    """The versions that may be shown: all but those of hidden documents."""

    hidden: frozenset[str] = frozenset()

    async def visible(self, tenant_id: str, hits: Sequence[Hit]) -> list[Hit]:
        """Those that are not hidden."""
        return [hit for hit in hits if hit.chunk.document_id not in self.hidden]


async def answered(draft: str, hidden: frozenset[str] = frozenset(), top_k: int = 5) -> Answer:
    """The answer to a question when the model drafts that; the index has the policy and a deleted copy of it."""
    embedder, sparse, vectors = HashEmbedding(), WordEncoder(), InMemoryVectors()
    await vectors.ensure(embedder.dimensions)
    policy = passage().chunk
    for chunk in (policy, replace(policy, document_id="copy", chunk_id=uuid4())):
        [dense], [terms] = await embedder.embed([chunk.text]), sparse.encode_documents([chunk.text])
        await vectors.upsert([Point(chunk, dense, terms)])
        await vectors.show(chunk.document_id, chunk.document_version)
    retriever = Retriever(embedder, sparse, vectors, Shown(hidden))
    answerer = Answerer(retriever, GROUNDED_ANSWER, ScriptedLLM([draft]), Citer(Texts()), FakeClock(), uuid4)
    return await answerer.answer(Question("When are refunds paid?", "default", Variant(), top_k))


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
    answer = await answered(ABSTENTION, hidden=frozenset({"copy"}), top_k=1)

    assert [hit.chunk.document_id for hit in answer.passages] == ["policy"]
