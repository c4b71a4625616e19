"""Which vector store keeps the points of which generation."""

from dataclasses import dataclass

import asyncpg

from contracts.chunks import ChunksEmbeddedV1
from contracts.generations import FIRST_GENERATION
from kit.errors import DependencyDown, Permanent
from kit.ports.collections import Collections, collection_of
from kit.ports.vectors import VectorStore
from kit.settings import VectorSettings
from services.indexer.generation_store import GenerationStore
from services.indexer.store import generation_of

_GONE = {"retired", "dropped"}


@dataclass(frozen=True, slots=True)
class Indexes:
    """A collection a generation, opened when something comes for it."""

    store: GenerationStore
    collections: Collections
    settings: VectorSettings

    async def of(self, batch: ChunksEmbeddedV1) -> VectorStore | None:
        """Where a batch belongs; None if its generation is retired.

        Raises Permanent `generation_unknown`, or `generation_model_mismatch` if it was not embedded by the generation's model.
        """
        generation = await self._known(batch)
        if generation["state"] in _GONE:
            return None
        if (generation["embedding_model"], generation["dimensions"]) != (batch.embedding_model, batch.dimensions):
            told = f"{generation['generation']} is of {generation['embedding_model']}, not {batch.embedding_model}; build a new generation"
            raise Permanent("generation_model_mismatch", told)
        return await self._open(generation["generation"], batch.dimensions)

    async def live(self) -> list[VectorStore]:
        """All that points may lie in and that searches may use."""
        found = [(row["generation"], self._dimensions(row)) for row in await self.store.live()]
        return [await self._open(generation, dimensions) for generation, dimensions in found if dimensions]

    async def ping(self) -> None:
        """Raises DependencyDown if a collection cannot be asked."""
        try:
            live = await self.live()
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise DependencyDown("generations_missing", f"the index generations are not known: {error}") from error
        for vectors in live:
            await vectors.count()

    async def drop(self, generation: str) -> None:
        """Removes a generation's points for good."""
        await self.collections.drop(collection_of(self.settings.collection, generation))

    async def _known(self, batch: ChunksEmbeddedV1) -> asyncpg.Record:
        name = generation_of(batch)
        generation = await self.store.get(name)
        if generation is not None and generation["embedding_model"] is None:
            await self.store.name_model(batch)
            generation = await self.store.get(name)
        if generation is None:
            raise Permanent("generation_unknown", f"there is no index generation {name!r}; request it on index.generations first")
        return generation

    async def _open(self, generation: str, dimensions: int) -> VectorStore:
        return await self.collections.open(collection_of(self.settings.collection, generation), dimensions)

    def _dimensions(self, generation: asyncpg.Record) -> int | None:
        """None where nothing has come yet; the settings say what the first generation had before it kept its model."""
        known: int | None = generation["dimensions"]
        return self.settings.dimensions if known is None and generation["generation"] == FIRST_GENERATION else known
