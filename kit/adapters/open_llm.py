"""Chooses the language model by the settings, and closes it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic import SecretStr

from kit.errors import Permanent
from kit.ports.embedding import EmbeddingModel
from kit.ports.llm import LLMClient
from kit.settings import LLMProvider, LLMSettings


@asynccontextmanager
async def open_llm(settings: LLMSettings, embedder: EmbeddingModel) -> AsyncIterator[LLMClient]:
    """Yields the model of the settings; `embedder` serves the extractive answerer alone.

    Raises Permanent `llm_settings_incomplete` if the provider that is set has no key. Packages are imported here, so that a service needs
    only those of what it uses.
    """
    match settings.provider or _default(settings):
        case LLMProvider.ANTHROPIC:
            async with _anthropic(settings) as client:
                yield client
        case LLMProvider.OPENAI:
            async with _openai(settings) as client:
                yield client
        case LLMProvider.EXTRACTIVE:
            yield _extractive(embedder)


def _default(settings: LLMSettings) -> LLMProvider:
    if settings.anthropic_api_key:
        return LLMProvider.ANTHROPIC
    return LLMProvider.OPENAI if settings.openai_api_key else LLMProvider.EXTRACTIVE


def _extractive(embedder: EmbeddingModel) -> LLMClient:
    from kit.adapters.bm25 import Bm25Encoder
    from kit.adapters.extractive import ExtractiveAnswerer

    return ExtractiveAnswerer(embedder, Bm25Encoder())


@asynccontextmanager
async def _anthropic(settings: LLMSettings) -> AsyncIterator[LLMClient]:
    from anthropic import AsyncAnthropic

    from kit.adapters.anthropic_llm import AnthropicLLM

    key = _key(settings.anthropic_api_key, LLMProvider.ANTHROPIC)
    async with AsyncAnthropic(api_key=key, base_url=settings.anthropic_base_url, timeout=settings.timeout_s, max_retries=0) as client:
        yield AnthropicLLM(client, settings.anthropic_model)


@asynccontextmanager
async def _openai(settings: LLMSettings) -> AsyncIterator[LLMClient]:
    from openai import AsyncOpenAI

    from kit.adapters.openai_llm import OpenAILLM

    key = _key(settings.openai_api_key, LLMProvider.OPENAI)
    async with AsyncOpenAI(api_key=key, base_url=settings.openai_base_url, timeout=settings.timeout_s, max_retries=0) as client:
        yield OpenAILLM(client, settings.openai_model)


def _key(key: SecretStr | None, provider: LLMProvider) -> str:
    if key is None:
        raise Permanent("llm_settings_incomplete", f"the LLM provider '{provider}' needs a key; set LLM__{provider.upper()}_API_KEY")
    return key.get_secret_value()
