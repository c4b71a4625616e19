"""Retrieval: a question becomes the visible chunks that are nearest to it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from kit.ports.embedding import EmbeddingModel
from kit.ports.sparse import SparseEncoder
from kit.ports.vectors import Filter, Hit, Vector, VectorQuery, VectorStore
from services.rag.stopwatch import Stopwatch
from services.rag.variants import RetrieverKind, Variant


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, by whom (with which key, if any), over which documents, of which variant."""

    text: str
    tenant_id: str
    variant: Variant
    top_k: int
    filter: Filter = field(default_factory=Filter)
    key_id: str | None = None


class VisibleVersions(Protocol):
    """Promise: a document that is deleted, or a version that is not complete or overtaken, is never shown."""

    async def visible(self, tenant_id: str, hits: Sequence[Hit]) -> list[Hit]:
        """Those of `hits` that may be shown now, in their order."""
        ...


@dataclass(frozen=True, slots=True)
class Retriever:
    """Dense search, sparse search, or both with score fusion."""

    embedder: EmbeddingModel
    sparse: SparseEncoder
    vectors: VectorStore
    versions: VisibleVersions

    async def retrieve(self, question: Question, watch: Stopwatch) -> list[Hit]:
        """The `top_k` best chunks, best first, each of the version of its document that is visible now."""
        sparse_alone = question.variant.definition.retriever is RetrieverKind.SPARSE
        with watch.stage("embed"):
            dense = None if sparse_alone else (await self.embedder.embed([question.text]))[0]
        with watch.stage("retrieve"):
            return await self._shown(question, dense)

    async def _shown(self, question: Question, dense: Vector | None) -> list[Hit]:
        definition = question.variant.definition
        query = VectorQuery(
            tenant_id=question.tenant_id,
            limit=question.top_k,
            dense=dense,
            sparse=self.sparse.encode_query(question.text) if definition.retriever is not RetrieverKind.DENSE else None,
            candidates=max(definition.candidates, question.top_k),
            filter=question.filter,
        )
        hits = await self.vectors.search(query)
        shown = await self.versions.visible(question.tenant_id, hits)
        if len(shown) < len(hits):  # what was just deleted or replaced must not take the places of others
            hits = await self.vectors.search(replace(query, limit=query.candidates))
            shown = await self.versions.visible(question.tenant_id, hits)
        return shown[: question.top_k]
