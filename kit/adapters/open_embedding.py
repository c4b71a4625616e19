"""Chooses the embedding model by the settings, and closes it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kit.errors import Permanent
from kit.ports.embedding import EmbeddingModel
from kit.settings import EmbeddingProvider, EmbeddingSettings

# Seconds a request of up to 256 texts may take.
TIMEOUT_S = 60.0


@asynccontextmanager
async def open_embedding(settings: EmbeddingSettings) -> AsyncIterator[EmbeddingModel]:
    """Yields the model of the settings. Raises Permanent `embedding_settings_incomplete` if the provider's key is missing.

    Packages are imported here, so that a service needs only those of what it uses.
    """
    if settings.provider is EmbeddingProvider.OPENAI:
        async with _openai(settings) as model:
            yield model
    else:
        async with _minilm(settings) as model:
            yield model


@asynccontextmanager
async def _minilm(settings: EmbeddingSettings) -> AsyncIterator[EmbeddingModel]:
    from kit.adapters.minilm import MiniLM

    model = await asyncio.to_thread(MiniLM, settings.threads)
    try:
        yield model
    finally:
        await asyncio.to_thread(model.close)


@asynccontextmanager
async def _openai(settings: EmbeddingSettings) -> AsyncIterator[EmbeddingModel]:
    from openai import AsyncOpenAI

    from kit.adapters.openai_embedding import OpenAIEmbedding

    if settings.api_key is None:
        raise Permanent("embedding_settings_incomplete", "the embedding provider 'openai' needs a key; set EMBEDDING__API_KEY")
    key = settings.api_key.get_secret_value()
    async with AsyncOpenAI(api_key=key, base_url=settings.base_url, timeout=TIMEOUT_S, max_retries=0) as client:
        yield OpenAIEmbedding(client, settings.model, settings.dimensions)
