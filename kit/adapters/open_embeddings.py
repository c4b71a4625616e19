"""Opens embedding models by their recipes: one for each index generation that is in use."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from pydantic import ValidationError

from contracts.generations import EmbeddingRecipe
from kit.adapters.open_embedding import open_embedding
from kit.errors import Permanent
from kit.ports.embedding import EmbeddingModel
from kit.settings import EmbeddingSettings


class Embeddings:
    """Models that share the keys, addresses and threads of `settings`; each is opened at its first use and closed by `stack`."""

    def __init__(self, settings: EmbeddingSettings, stack: AsyncExitStack) -> None:
        self._settings = settings
        self._stack = stack
        self._opened: dict[EmbeddingSettings, EmbeddingModel] = {}
        self._opening = asyncio.Lock()

    async def get(self, recipe: EmbeddingRecipe | None = None) -> EmbeddingModel:
        """The model of a recipe, or without one that of the settings.

        Raises Permanent `embedding_recipe_unknown` if this release cannot run it, and as `open_embedding` does.
        """
        wanted = self._settings if recipe is None else _settings(self._settings, recipe)
        async with self._opening:
            if wanted not in self._opened:
                self._opened[wanted] = await self._stack.enter_async_context(open_embedding(wanted))
        return self._opened[wanted]


@asynccontextmanager
async def open_embeddings(settings: EmbeddingSettings) -> AsyncIterator[Embeddings]:
    """Yields models of which none is opened yet."""
    async with AsyncExitStack() as stack:
        yield Embeddings(settings, stack)


def _settings(settings: EmbeddingSettings, recipe: EmbeddingRecipe) -> EmbeddingSettings:
    try:
        return EmbeddingSettings.model_validate({**settings.model_dump(), **recipe.model_dump(exclude_none=True)})
    except ValidationError as error:
        told = f"{recipe.provider!r} is no embedding provider that this release knows, or its fields are wrong: {error}"
        raise Permanent("embedding_recipe_unknown", told) from error
