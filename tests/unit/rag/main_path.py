"""The main path on twins: an index with a policy and a copy of it, and models that do as a test tells them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from uuid import uuid4

from kit.adapters.open_rerank import Rerankers
from kit.clock import Clock, FakeClock
from kit.fakes.embedding import HashEmbedding
from kit.fakes.llm import ScriptedLLM
from kit.fakes.sparse import WordEncoder
from kit.fakes.vectors import InMemoryVectors
from kit.ports.embedding import EmbeddingModel
from kit.ports.llm import LLMClient
from kit.ports.rerank import Reranker, RerankerKind
from kit.ports.vectors import Chunk, Hit, Point, VectorQuery, VectorStore
from services.rag.answer import Answerer
from services.rag.cite import Citer
from services.rag.indexes import Index, OneIndex
from services.rag.rerank import Reranking
from services.rag.retrieve import Question, Retriever
from services.rag.rewrite import Rewriter
from services.rag.variants import VariantDefinition
from services.rag.write import Writer
from tests.unit.rag.shelf import shelf_with_built_in, variant_on
from tests.unit.rag.test_cite import Texts, passage

ASKED = "When are refunds paid?"
PROVEN = 'Within two weeks. [1: "within 14 days"]'


@dataclass
class Shown:
    """The versions that may be shown: all but those of hidden documents."""

    hidden: set[str] = field(default_factory=set)

    async def visible(self, tenant_id: str, hits: Sequence[Hit]) -> list[Hit]:
        """Those that are not hidden."""
        return [hit for hit in hits if hit.chunk.document_id not in self.hidden]


class Recorded(InMemoryVectors):
    """An empty index that remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.queries: list[VectorQuery] = []

    async def search(self, query: VectorQuery) -> list[Hit]:
        """Finds nothing."""
        self.queries.append(query)
        return []


def retriever(
    vectors: VectorStore,
    versions: Shown | None = None,
    embedder: EmbeddingModel | None = None,
    reranker: Reranker | None = None,
    llm: LLMClient | None = None,
) -> Retriever:
    """A retriever of one index; `reranker` is what `maxsim` means."""
    asked = llm or ScriptedLLM(["never said"])
    rerankers = Rerankers(asked, {RerankerKind.MAXSIM: reranker} if reranker else {})
    index = OneIndex(Index("g1", embedder or HashEmbedding(), vectors))
    return Retriever(index, WordEncoder(), versions or Shown(), Rewriter(asked), Reranking(rerankers))


async def answerer(llm: LLMClient, versions: Shown | None = None, clock: Clock | None = None, **parts: object) -> Answerer:
    """An answerer whose index has the policy and a copy of it."""
    policy = passage().chunk
    vectors = await filled([policy, replace(policy, document_id="copy", chunk_id=uuid4())])
    found = retriever(vectors, versions, llm=llm, **parts)  # type: ignore[arg-type]
    return Answerer(found, Writer(llm), Citer(Texts()), lambda text: len(text.split()), clock or FakeClock(), uuid4)


async def filled(chunks: Sequence[Chunk]) -> InMemoryVectors:
    """An index with these chunks, all visible."""
    embedder, sparse, vectors = HashEmbedding(), WordEncoder(), InMemoryVectors()
    await vectors.ensure(embedder.dimensions)
    for chunk in chunks:
        [dense], [terms] = await embedder.embed([chunk.text]), sparse.encode_documents([chunk.text])
        await vectors.upsert([Point(chunk, dense, terms)])
        await vectors.show(chunk.document_id, chunk.document_version)
    return vectors


async def question(definition: VariantDefinition | None = None, top_k: int = 5, text: str = ASKED, cached: bool = True) -> Question:
    """A question, of the built-in variant or one of this definition."""
    variant = await variant_on(shelf_with_built_in())
    return Question(text, "default", replace(variant, definition=definition) if definition else variant, top_k, cached=cached)
