"""Retrieval: a question becomes the visible passages that answer it best."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from kit.clock import Clock
from kit.errors import DependencyDown, Transient
from kit.ports.llm import Caller, Purpose
from kit.ports.rerank import RerankerKind
from kit.ports.sparse import SparseEncoder
from kit.ports.vectors import Filter, Hit, Vector, VectorQuery
from services.rag.diversify import distinct, diverse
from services.rag.expand import joined
from services.rag.fuse import fused
from services.rag.indexes import Index, Indexes
from services.rag.rerank import Reranking
from services.rag.rewrite import Rewriter
from services.rag.stopwatch import BUDGET_S, Stopwatch
from services.rag.variants import RetrieverKind, Variant, VariantDefinition

_EMBED_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, by whom (with which key, if any), over which documents, of which variant. `cached` allows what is remembered.

    `run_id` is the evaluation run that it is asked for, if it is asked for one.
    """

    text: str
    tenant_id: str
    variant: Variant
    top_k: int
    filter: Filter = field(default_factory=Filter)
    key_id: str | None = None
    cached: bool = True
    run_id: str | None = None

    def caller(self, purpose: Purpose, request_id: str = "") -> Caller:
        """On whose account models are called to answer it."""
        return Caller(request_id, self.tenant_id, self.key_id, self.run_id, purpose)

    @property
    def candidates(self) -> int:
        """How many chunks each list gives."""
        return max(self.variant.definition.candidates, self.top_k)

    @property
    def wanted(self) -> int:
        """How many chunks of the fused list something is to choose from."""
        definition = self.variant.definition
        if definition.compares:
            return self.candidates
        return self.top_k if definition.reranker is RerankerKind.NONE else max(definition.rerank_candidates, self.top_k)

    def stopwatch(self, clock: Clock) -> Stopwatch:
        """For answering this, within what its variant allows."""
        return Stopwatch(clock, self.variant.definition.limits.timeout_s or BUDGET_S)


class VisibleVersions(Protocol):
    """Promise: a document that is deleted, or a version that is not complete or overtaken, is never shown."""

    async def visible(self, tenant_id: str, hits: Sequence[Hit]) -> list[Hit]:
        """Those of `hits` that may be shown now, in their order."""
        ...


@dataclass(frozen=True, slots=True)
class Retriever:
    """Searches, with each of a question's wordings, in one index; reranks; leaves out what is said twice; adds what stands around."""

    indexes: Indexes
    sparse: SparseEncoder
    versions: VisibleVersions
    rewriter: Rewriter
    reranking: Reranking

    async def retrieve(self, question: Question, watch: Stopwatch) -> list[Hit]:
        """The `top_k` best passages, best first, each of the version of its document that is visible now."""
        definition = question.variant.definition
        wordings = await self.rewriter.queries(question, watch) if definition.multi_query else [question.text]
        index = await self.indexes.of(definition.index_generation)
        hits, shown = await self._search(question, wordings, question.wanted, index, watch)
        if len(shown) < len(hits):
            # What was just deleted or replaced must not take the places of others, and queries may just have moved to another index.
            index = await self.indexes.of(definition.index_generation, fresh=True)
            _, shown = await self._search(question, wordings, question.candidates, index, watch)
        caller = question.caller(Purpose.RERANK)
        ordered = await self.reranking.ordered(definition.reranker, caller, question.text, shown, definition.rerank_candidates, watch)
        return await self._widened(_chosen(ordered, definition, question.top_k), definition, index)

    async def _search(
        self, question: Question, wordings: Sequence[str], limit: int, index: Index, watch: Stopwatch
    ) -> tuple[list[Hit], list[Hit]]:
        """What the index found, and what of it may be shown."""
        dense = await self._dense(question, wordings, index, watch)
        with watch.stage("retrieve"):
            each = limit if len(wordings) == 1 else question.candidates
            queries = [self._query(question, text, vector, each) for text, vector in zip(wordings, dense, strict=True)]
            found = await asyncio.gather(*(index.vectors.search(query) for query in queries))
            hits = fused(dict(zip(wordings, found, strict=True)), question.variant.definition.fusion, limit)
            return hits, await self.versions.visible(question.tenant_id, hits)

    async def _dense(self, question: Question, wordings: Sequence[str], index: Index, watch: Stopwatch) -> Sequence[Vector | None]:
        """A vector for each wording; none if only words are searched, or if the model is away and words must do."""
        with watch.stage("embed"):
            if question.variant.definition.retriever is RetrieverKind.SPARSE:
                return [None] * len(wordings)
            try:
                return list(await watch.within(_EMBED_SHARE, index.embedder.embed(wordings)))
            except (DependencyDown, Transient) as error:
                watch.degrade("dense", error)
                return [None] * len(wordings)

    def _query(self, question: Question, text: str, dense: Vector | None, limit: int) -> VectorQuery:
        definition = question.variant.definition
        dense_alone = definition.retriever is RetrieverKind.DENSE and dense is not None
        return VectorQuery(
            tenant_id=question.tenant_id,
            limit=limit,
            dense=dense,
            sparse=None if dense_alone else self.sparse.encode_query(text),
            candidates=question.candidates,
            filter=question.filter,
            fusion=definition.fusion,
            fusion_weight=0.5 if definition.fusion_weight is None else definition.fusion_weight,
            vectors=definition.compares,
        )

    async def _widened(self, hits: list[Hit], definition: VariantDefinition, index: Index) -> list[Hit]:
        """Each passage with the text around it. Its neighbours are of its version, so they are as visible as it is."""
        if not definition.neighbours or not hits:
            return hits
        around = await index.vectors.neighbours([hit.chunk for hit in hits], definition.neighbours, definition.neighbours)
        return [replace(hit, chunk=joined(hit.chunk, chunks)) for hit, chunks in zip(hits, around, strict=True)]


def _chosen(hits: list[Hit], definition: VariantDefinition, top_k: int) -> list[Hit]:
    """The best, of which no two say the same."""
    if definition.likeness is not None:
        hits = distinct(hits, definition.likeness)
    return hits[:top_k] if definition.diversity is None else diverse(hits, 1 - definition.diversity, top_k)
