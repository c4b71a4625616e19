"""Opens the one collection that the settings name."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kit.adapters.open_collections import open_collections
from kit.ports.vectors import VectorStore
from kit.settings import VectorSettings


@asynccontextmanager
async def open_vectors(settings: VectorSettings) -> AsyncIterator[VectorStore]:
    """Yields it, and closes it. Raises as `open_collections` and `Collections.open` do."""
    async with open_collections(settings) as collections:
        yield await collections.open(settings.collection, settings.dimensions)
