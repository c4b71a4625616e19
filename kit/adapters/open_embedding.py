"""Chooses the embedding model by the settings, and closes it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from kit.errors import Permanent
from kit.ports.embedding import EmbeddingModel
from kit.settings import EmbeddingProvider, EmbeddingSettings

# Seconds a request of up to 256 texts may take.
TIMEOUT_S = 60.0
# Where the settings do not say, and nobody can be asked.
_MAX_TOKENS = 256


def open_embedding(settings: EmbeddingSettings) -> AbstractAsyncContextManager[EmbeddingModel]:
    """Yields the model of the settings. Entering it raises Permanent `embedding_settings_incomplete`, which names what to set, and what
    the models raise whose files are missing or unusable.

    Packages are imported here, so that a service needs only those of what it uses.
    """
    openers: dict[EmbeddingProvider, Callable[[EmbeddingSettings], AbstractAsyncContextManager[EmbeddingModel]]] = {
        EmbeddingProvider.MINILM: _minilm,
        EmbeddingProvider.WORDLLAMA: _wordllama,
        EmbeddingProvider.ONNX: _onnx,
        EmbeddingProvider.OPENAI: _openai,
        EmbeddingProvider.OPENAI_COMPATIBLE: _compatible,
    }
    return openers[settings.provider](settings)


@asynccontextmanager
async def _minilm(settings: EmbeddingSettings) -> AsyncIterator[EmbeddingModel]:
    from kit.adapters.minilm import MiniLM

    model = await asyncio.to_thread(MiniLM, settings.threads)
    try:
        yield model
    finally:
        await asyncio.to_thread(model.close)


@asynccontextmanager
async def _wordllama(_: EmbeddingSettings) -> AsyncIterator[EmbeddingModel]:
    from kit.adapters.wordllama import WordLlama

    yield await asyncio.to_thread(WordLlama)


@asynccontextmanager
async def _onnx(settings: EmbeddingSettings) -> AsyncIterator[EmbeddingModel]:
    from kit.adapters.onnx_embedding import folder_embedding

    if settings.model_dir is None:
        raise _incomplete(settings, "a folder", "MODEL_DIR")
    model = await asyncio.to_thread(folder_embedding, settings.model_dir, settings.max_tokens, settings.threads)
    try:
        yield model
    finally:
        await asyncio.to_thread(model.close)


@asynccontextmanager
async def _openai(settings: EmbeddingSettings) -> AsyncIterator[EmbeddingModel]:
    from openai import AsyncOpenAI

    from kit.adapters.openai_embedding import OpenAIEmbedding

    if settings.api_key is None:
        raise _incomplete(settings, "a key", "API_KEY")
    key = settings.api_key.get_secret_value()
    async with AsyncOpenAI(api_key=key, base_url=settings.base_url, timeout=TIMEOUT_S, max_retries=0) as client:
        yield OpenAIEmbedding(client, settings.model, settings.dimensions)


@asynccontextmanager
async def _compatible(settings: EmbeddingSettings) -> AsyncIterator[EmbeddingModel]:
    from openai import AsyncOpenAI

    from kit.adapters.openai_embedding import OpenAIEmbedding, compatible

    if settings.base_url is None:
        raise _incomplete(settings, "an address with the version, as http://host:port/v1", "BASE_URL")
    # The SDK insists on a key; a server that needs none ignores it.
    key = settings.api_key.get_secret_value() if settings.api_key else "none"
    async with AsyncOpenAI(api_key=key, base_url=settings.base_url, timeout=TIMEOUT_S, max_retries=0) as client:
        yield OpenAIEmbedding(client, settings.model, settings.dimensions, compatible(settings.max_tokens or _MAX_TOKENS))


def _incomplete(settings: EmbeddingSettings, what: str, setting: str) -> Permanent:
    told = f"the embedding provider '{settings.provider}' needs {what}; set EMBEDDING__{setting}"
    return Permanent("embedding_settings_incomplete", told)
