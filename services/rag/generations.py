"""Index generations as a user sees them: listed, requested, swapped, retired. Indexer decides; here is refused what it surely would."""

from dataclasses import dataclass

import asyncpg

from contracts.generations import (
    ChunkerRecipe,
    EmbeddingRecipe,
    GenerationEvent,
    GenerationRequestedV1,
    RetirementRequestedV1,
    SwapRequestedV1,
)
from kit.adapters.open_embeddings import Embeddings
from kit.effects import Effects
from kit.errors import Permanent
from kit.postgres import load_queries

_GONE = {"retired", "dropped"}


@dataclass(frozen=True, slots=True)
class Generations:
    """Every request is told on `index.generations`, where anybody else may tell one as well."""

    effects: Effects
    models: Embeddings

    async def known(self) -> list[asyncpg.Record]:
        """All that ever were, with how far each is, in the order of their requests."""
        queries = load_queries("rag")
        return [row async for row in queries.generations(self.effects.pool, generation=None)]

    async def get(self, generation: str) -> asyncpg.Record:
        """One of them. Raises Permanent `generation_unknown`."""
        queries = load_queries("rag")
        async for row in queries.generations(self.effects.pool, generation=generation):
            return row
        raise Permanent("generation_unknown", f"there is no index generation {generation!r}; GET /generations lists them")

    async def build(self, name: str | None, embedding: EmbeddingRecipe, chunker: ChunkerRecipe) -> str:
        """Requests one, by the next free number unless it has a name; gives the name.

        Raises Permanent `generation_taken`, and as the model does if it cannot be opened here.
        """
        await self.models.get(embedding)
        taken = [row["generation"] for row in await self.known()]
        if name in taken:
            raise Permanent("generation_taken", f"{name} is or was an index generation; choose another name")
        chosen = name or f"g{1 + max(int(one[1:]) for one in taken if one[:1] == 'g' and one[1:].isdigit())}"
        await self._tell(GenerationRequestedV1(generation=chosen, embedding=embedding, chunker=chunker))
        return chosen

    async def swap(self, generation: str) -> None:
        """Requests that queries move there. Raises Permanent `generation_unknown`, or `generation_incomplete` while it is being built."""
        row = await self.get(generation)
        if row["state"] in _GONE:
            raise Permanent("generation_unknown", f"{generation} is retired; build a new one")
        if row["state"] == "building" and row["failed"]:
            told = f"{row['failed']} documents cannot be in {generation}, such as {row['failures'][0]}: upload them anew, or delete them"
            raise Permanent("generation_incomplete", told)
        if row["state"] == "building" and row["complete"] < row["documents"]:
            told = f"{generation} has {row['complete']} of {row['documents']} documents; swap when it has them all"
            raise Permanent("generation_incomplete", told)
        await self._tell(SwapRequestedV1(generation=generation))

    async def roll_back(self) -> str:
        """Requests that queries move back to where they were; gives the generation. Raises Permanent `generation_has_no_past`."""
        kept = [row for row in await self.known() if row["state"] == "kept"]
        if not kept:
            raise Permanent("generation_has_no_past", "no earlier index generation is kept; build one and swap to it")
        before: str = max(kept, key=lambda row: row["activated_at"])["generation"]
        await self.swap(before)
        return before

    async def retire(self, generation: str) -> None:
        """Requests that one goes. Raises Permanent `generation_unknown`, or `generation_in_use`."""
        row = await self.get(generation)
        if row["state"] == "active" or row["wanted"]:
            raise Permanent("generation_in_use", f"queries use {generation}, or are to; swap to another one first")
        if row["state"] not in _GONE:
            await self._tell(RetirementRequestedV1(generation=generation))

    async def _tell(self, request: GenerationEvent) -> None:
        async with self.effects.caused_by(None) as effect:
            await effect.publish(request)
