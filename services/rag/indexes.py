"""Which index a question is asked of: one generation's collection, with the embedding model that its vectors are of."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import asyncpg

from contracts.generations import EmbeddingRecipe
from kit.adapters.open_embeddings import Embeddings
from kit.clock import Clock
from kit.errors import DependencyDown, Permanent
from kit.ports.collections import Collections, collection_of
from kit.ports.embedding import EmbeddingModel
from kit.ports.vectors import VectorStore
from kit.postgres import load_queries
from kit.rounds import Rounds
from services.rag.variants import CURRENT

# A swap reaches every process within so long; until then it asks the generation before, which is kept in step.
CACHED_S = 2.0


@dataclass(frozen=True, slots=True)
class Index:
    """One generation. A question takes one and keeps it, so that what it finds is never of two."""

    generation: str
    embedder: EmbeddingModel
    vectors: VectorStore


class Indexes(Protocol):
    """Promise: the vectors of an index are of its embedding model."""

    async def of(self, generation: str, fresh: bool = False) -> Index:
        """A generation by name; `current` is the active one. `fresh`: nothing remembered. Raises Permanent `generation_unknown`."""
        ...


@dataclass(frozen=True, slots=True)
class OneIndex:
    """`Indexes` where there is but one."""

    index: Index

    async def of(self, generation: str, fresh: bool = False) -> Index:
        return self.index


class LiveIndexes:
    """`Indexes` as indexer publishes them. Models and collections are opened at the first question; `wrap` puts a cache before a model."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        clock: Clock,
        models: Embeddings,
        collections: Collections,
        base: str,
        wrap: Callable[[EmbeddingModel], EmbeddingModel],
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._models = models
        self._collections = collections
        self._base = base
        self._wrap = wrap
        self._queries = load_queries("rag")
        self._changes = Rounds(self._changes_of)
        self._known: dict[str, tuple[float, Index]] = {}

    async def of(self, generation: str, fresh: bool = False) -> Index:
        known = self._known.get(generation)
        if known and not fresh and self._clock.monotonic() - known[0] < CACHED_S:
            return known[1]
        index = await self._open(generation)
        self._known[generation] = (self._clock.monotonic(), index)
        return index

    async def epoch(self, generation: str, tenant_id: str) -> str:
        """Names a generation together with a number that moves whenever what it shows to this tenant does."""
        index = await self.of(generation)
        return f"{index.generation}:{(await self._changes.join([tenant_id])).get(tenant_id, 0)}"

    async def _changes_of(self, tenant_ids: Sequence[str]) -> dict[str, int]:
        rows = self._queries.index_changes(self._pool, tenant_ids=list(set(tenant_ids)))
        return {row["tenant_id"]: row["changes"] async for row in rows}

    async def ping(self) -> None:
        """Raises DependencyDown if the active generation cannot be asked."""
        try:
            index = await self.of(CURRENT)
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise DependencyDown("generations_missing", f"the active index generation is not known: {error}") from error
        await index.vectors.count()

    async def _open(self, wanted: str) -> Index:
        row = await self._queries.live_generation(self._pool, generation=None if wanted == CURRENT else wanted)
        if row is None:
            raise _missing(wanted)
        recipe = None if row["embedding"] is None else EmbeddingRecipe.model_validate(row["embedding"])
        model = await self._models.get(recipe)
        if row["embedding_model"] not in (None, model.name):
            told = f"{row['generation']} is of {row['embedding_model']}, the settings say {model.name}; build a new generation for that"
            raise Permanent("generation_model_mismatch", told)
        vectors = await self._collections.open(collection_of(self._base, row["generation"]), model.dimensions)
        return Index(row["generation"], self._wrap(model), vectors)


def _missing(wanted: str) -> Exception:
    if wanted == CURRENT:
        return DependencyDown("generations_missing", "indexer has no active index generation; start it once")
    return Permanent("generation_unknown", f"there is no index generation {wanted!r}, or not any more; GET /generations lists them")
