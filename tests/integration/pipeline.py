"""Ingest, indexer and rag over one database, without a broker: what they tell is handed on here, in order, as far as a test wants."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256

from contracts.base import Event
from contracts.codec import decode
from contracts.documents import BlobRef, DocumentDeletedV1, DocumentUploadedV1
from contracts.generations import ChunkerRecipe, EmbeddingRecipe, GenerationRequestedV1, SwapRequestedV1
from kit.adapters.bm25 import Bm25Encoder
from kit.adapters.open_embeddings import Embeddings
from kit.adapters.open_rerank import Rerankers
from kit.clock import FakeClock, SystemClock
from kit.delivery import Handler
from kit.effects import Effects
from kit.errors import Rejected
from kit.fakes.blobs import InMemoryBlobs
from kit.fakes.collections import InMemoryCollections
from kit.fakes.embedding import HashEmbedding
from kit.fakes.llm import ScriptedLLM
from kit.ports.embedding import EmbeddingModel
from kit.ports.vectors import Hit
from kit.settings import EmbeddingSettings, VectorSettings
from services.indexer import handlers as indexer_handlers
from services.indexer.generation_store import GenerationStore
from services.indexer.generations import PATIENCE, Generations
from services.indexer.index import Index
from services.indexer.indexes import Indexes
from services.indexer.retire import Retire
from services.indexer.store import Store as IndexStore
from services.ingest import handlers as ingest_handlers
from services.ingest.build_store import BuildStore
from services.ingest.document import ParsedDocument
from services.ingest.ingest import Ingest
from services.ingest.parse import parse
from services.ingest.prepare import Limits, Prepare
from services.ingest.recipes import Recipes
from services.ingest.replay import Replay
from services.ingest.store import Store as IngestStore
from services.rag.indexes import CACHED_S, LiveIndexes
from services.rag.rerank import Reranking
from services.rag.retrieve import Question, Retriever
from services.rag.rewrite import Rewriter
from services.rag.stopwatch import Stopwatch
from services.rag.store import Store as RagStore
from tests.events import received
from tests.integration.conftest import OpenEffects
from tests.unit.rag.shelf import shelf_with_built_in, variant_on

TENANT = "default"
ROUNDS = 50


class HashModels(Embeddings):
    """Embedding models by the dimensions of their recipes: 64 where the settings say."""

    def __init__(self) -> None:
        super().__init__(EmbeddingSettings(), AsyncExitStack())
        self.models: dict[int, HashEmbedding] = {}

    async def get(self, recipe: EmbeddingRecipe | None = None) -> EmbeddingModel:
        """The model."""
        dimensions = (recipe.dimensions if recipe else None) or 64
        return self.models.setdefault(dimensions, HashEmbedding(dimensions))


@dataclass
class Pipeline:
    """A user sees `upload`, `delete`, `build`, `swap` and `search`; `settle` lets everything that was told have its effect."""

    effects: Mapping[str, Effects]
    ingest: Ingest
    replay: Replay
    index: Index
    generations: Generations
    retriever: Retriever
    collections: InMemoryCollections
    blobs: InMemoryBlobs
    clock: FakeClock
    versions: dict[str, int] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)

    async def upload(self, document_id: str, text: str) -> int:
        """The next version of a document; gives it."""
        blob = await self.blobs.put(text.encode())
        version = self.versions[document_id] = self.versions.get(document_id, 0) + 1
        ref = BlobRef(uri=blob.uri, sha256=sha256(text.encode()).hexdigest(), bytes=len(text.encode()))
        await self.hand(
            DocumentUploadedV1(document_id=document_id, document_version=version, title=document_id, media_type="text/plain", blob=ref)
        )
        return version

    async def delete(self, document_id: str) -> None:
        """Deletes a document."""
        version = self.versions[document_id] = self.versions[document_id] + 1
        await self.hand(DocumentDeletedV1(document_id=document_id, document_version=version))

    async def build(self, generation: str, dimensions: int = 32, chunker: ChunkerRecipe | None = None) -> None:
        """Requests a generation, and replays documents into it."""
        recipe = EmbeddingRecipe(provider="hash", dimensions=dimensions)
        await self.hand(GenerationRequestedV1(generation=generation, embedding=recipe, chunker=chunker or ChunkerRecipe()))
        await self.settle()

    async def swap(self, generation: str) -> None:
        """Requests that queries move."""
        await self.hand(SwapRequestedV1(generation=generation))

    async def search(self, text: str, top_k: int = 20) -> list[Hit]:
        """What rag finds."""
        question = Question(text, TENANT, await variant_on(shelf_with_built_in()), top_k)
        return await self.retriever.retrieve(question, Stopwatch(FakeClock()))

    def forget_the_pointer(self) -> None:
        """Lets rag look again which generation is active, as it does after a few seconds."""
        self.clock.time += timedelta(seconds=CACHED_S)

    async def active(self) -> str:
        """The generation that queries use."""
        [row] = [row for row in await self.generations.store.live() if row["state"] == "active"]
        name: str = row["generation"]
        return name

    def generation_of(self, hit: Hit) -> str:
        """Where a hit's point lies."""
        [name] = [name for name, store in self.collections.stores.items() if hit.chunk.chunk_id in store.points]
        return name.removeprefix("chunks-") if name != "chunks" else "g1"

    async def settle(self) -> None:
        """Replays and hands on until nothing is left to do, which must come to an end."""
        for _ in range(ROUNDS):
            if not (await self.step("ingest") + await self.step("indexer") or await self.replay.fill()):
                return
        raise AssertionError("something is on its way and never comes")

    async def step(self, service: str) -> int:
        """Hands on what a service has told so far; gives how many events."""
        pool = self.effects[service].pool
        rows = await pool.fetch("DELETE FROM outbox RETURNING id, headers, value")
        for row in sorted(rows, key=lambda row: row["id"]):
            event = decode([(name, value.encode()) for name, value in row["headers"]], row["value"])
            await self._handle(event, type(event.data))
        return len(rows)

    async def hand(self, event: Event, tenant_id: str = TENANT) -> None:
        """Hands an event to whoever reads it; a refusal is remembered."""
        await self._handle(received(event, tenant_id=tenant_id), type(event))

    async def _handle(self, event: object, kind: type[Event]) -> None:
        handler = self._handlers().get(kind)
        try:
            if handler:
                await handler(event)  # type: ignore[arg-type]  # decoded, so of its kind
        except Rejected as refused:
            self.refused.append(refused.code)

    def _handlers(self) -> dict[type[Event], Handler]:
        by_topic = [*ingest_handlers.handlers(self.ingest, self.replay).values()]
        by_topic += indexer_handlers.handlers(self.index, self.generations).values()
        return {kind: handler for kinds in by_topic for kind, handler in kinds.items()}


async def open_pipeline(open_effects: OpenEffects, patience: timedelta = PATIENCE, max_chunks: int = 100) -> Pipeline:
    """The three services put together as their apps do, with models, vectors and blobs in memory."""
    effects = {name: await open_effects(name) for name in ("indexer", "ingest", "rag")}
    clock, pointer, models, collections, blobs = SystemClock(), FakeClock(), HashModels(), InMemoryCollections(), InMemoryBlobs()
    indexes = Indexes(GenerationStore(effects["indexer"]), collections, VectorSettings(dimensions=64))
    index_store = IndexStore(effects["indexer"])
    generations = Generations(indexes.store, indexes, clock, patience, timedelta(0))
    store, builds = IngestStore(effects["ingest"]), BuildStore(effects["ingest"])
    recipes = Recipes(builds, store, models, ChunkerRecipe(headings=False), 8)
    prepare = Prepare(store, blobs, _parse, Limits(100_000, max_chunks), "1")
    asked = LiveIndexes(effects["rag"].pool, pointer, models, collections, "chunks", lambda model: model)
    nobody = ScriptedLLM(["never said"])
    return Pipeline(
        effects=effects,
        ingest=Ingest(store, builds, recipes, prepare),
        replay=Replay(store, builds, recipes, prepare, clock),
        index=Index(index_store, indexes, Bm25Encoder(), Retire(index_store, indexes, clock)),
        generations=generations,
        retriever=Retriever(asked, Bm25Encoder(), RagStore(effects["rag"]), Rewriter(nobody), Reranking(Rerankers(nobody, {}))),
        collections=collections,
        blobs=blobs,
        clock=pointer,
    )


async def _parse(data: bytes, media_type: str) -> ParsedDocument:
    return parse(data, media_type)


async def found(pipeline: Pipeline) -> dict[str, int]:
    """The version of each document that a search finds; all hits must be of one generation."""
    hits = await pipeline.search("walk")
    assert len({pipeline.generation_of(hit) for hit in hits}) <= 1
    return {hit.chunk.document_id: hit.chunk.document_version for hit in hits}
