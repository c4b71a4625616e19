"""Recipes: how documents are cut and embedded for each index generation."""

from dataclasses import dataclass

from contracts.generations import ChunkerRecipe
from kit.adapters.open_embeddings import Embeddings
from kit.errors import DependencyDown
from services.ingest.batch import Packer
from services.ingest.build_store import BuildStore, Generation
from services.ingest.chunk import Chunker
from services.ingest.embed import Embedder
from services.ingest.store import Store

# Another number when cutting gives other spans for the same recipe: contents are then cut and embedded anew.
_CHUNKING = 1


@dataclass(frozen=True, slots=True)
class Recipe:
    """How documents become the chunks of a generation. Chunks of one `key` are the same, whichever generation they are for."""

    generation: str
    key: str
    chunker: Chunker
    embedder: Embedder
    packer: Packer


@dataclass(frozen=True, slots=True)
class Recipes:
    """The recipes of the generations that documents are indexed for now; `chunker` is that of the settings."""

    builds: BuildStore
    store: Store
    models: Embeddings
    chunker: ChunkerRecipe
    embed_batch: int

    async def active(self) -> Recipe:
        """That of the generation that queries use. Raises DependencyDown if indexer has told none yet, and as models do."""
        for generation in await self.builds.generations():
            if generation.is_active:
                return await self._recipe(generation)
        raise DependencyDown("generations_missing", "indexer has no active index generation; start it once")

    async def of(self, name: str) -> Recipe | None:
        """That of a generation; None if it is retired, or indexer does not know it. Raises as models do."""
        for generation in await self.builds.generations():
            if generation.name == name:
                return await self._recipe(generation)
        return None

    async def _recipe(self, generation: Generation) -> Recipe:
        model = await self.models.get(generation.embedding)
        cutting = generation.chunker or self.chunker
        key, chunker = _key(model.name, cutting), Chunker(model.count_tokens, model.max_tokens, cutting)
        return Recipe(
            generation=generation.name,
            key=key,
            chunker=chunker,
            embedder=Embedder(model, self.store, chunker, key, self.embed_batch),
            packer=Packer(generation.name, model.name, model.dimensions),
        )


def _key(model: str, cutting: ChunkerRecipe) -> str:
    """What a release before recipes wrote for its one way of cutting stays its key, so that nothing is embedded again."""
    plain = f"{_CHUNKING}/{model}"
    return plain if cutting == ChunkerRecipe(headings=False) else f"{plain}/{cutting.model_dump_json()}"
