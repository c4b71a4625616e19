"""Opens the language models of the settings, and closes them."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from pydantic import SecretStr

from kit.adapters.deadlines import Deadlines
from kit.errors import Permanent
from kit.ports.embedding import EmbeddingModel
from kit.ports.llm import LLMClient, ModelRef
from kit.settings import LLMProvider, LLMSettings

Clients = Callable[[str], LLMClient]


class Providers:
    """Any model of the providers that are set up. Those of one provider share its connections."""

    def __init__(self, clients: Mapping[LLMProvider, Clients], default: tuple[ModelRef, ...]) -> None:
        self.default = default
        self._clients = clients

    def client(self, ref: ModelRef) -> LLMClient:
        """Raises Permanent `llm_provider_unknown`, or `llm_settings_incomplete`, which names what to set."""
        if ref.provider not in list(LLMProvider):
            raise Permanent("llm_provider_unknown", f"there is no LLM provider '{ref.provider}'; take one of {', '.join(LLMProvider)}")
        provider = LLMProvider(ref.provider)
        if provider not in self._clients:
            raise _incomplete(provider)
        return self._clients[provider](ref.model)


@asynccontextmanager
async def open_providers(settings: LLMSettings, embedder: EmbeddingModel) -> AsyncIterator[Providers]:
    """Yields the providers that have a key (or an address); `embedder` serves the extractive answerer alone, which is always there.

    Raises Permanent as `Providers.client` does if a model of the default chain cannot be asked. Packages are imported here, so that a
    service needs only those of what it uses.
    """
    async with AsyncExitStack() as stack:
        clients = {LLMProvider.EXTRACTIVE: _extractive(embedder)}
        if settings.anthropic_api_key:
            clients[LLMProvider.ANTHROPIC] = await stack.enter_async_context(_anthropic(settings, settings.anthropic_api_key))
        if settings.openai_api_key:
            clients[LLMProvider.OPENAI] = await stack.enter_async_context(_openai(settings, settings.openai_api_key))
        if settings.openai_compatible_base_url:
            clients[LLMProvider.OPENAI_COMPATIBLE] = await stack.enter_async_context(_compatible(settings))
        providers = Providers(clients, _chain(settings))
        for ref in providers.default:
            providers.client(ref)
        yield providers


@asynccontextmanager
async def open_llm(settings: LLMSettings, embedder: EmbeddingModel) -> AsyncIterator[LLMClient]:
    """Yields the first model of the settings alone. Raises as `open_providers`."""
    async with open_providers(settings, embedder) as providers:
        yield providers.client(providers.default[0])


def model_ref(name: str) -> ModelRef:
    """The model of `provider/model`, whose name may have slashes itself."""
    provider, _, model = name.partition("/")
    return ModelRef(provider, model)


def _chain(settings: LLMSettings) -> tuple[ModelRef, ...]:
    provider = settings.provider or _first_set(settings)
    if (model := _model(settings, provider)) is None:
        raise _incomplete(provider, "MODEL")
    return tuple(dict.fromkeys([ModelRef(provider.value, model), *map(model_ref, settings.fallback)]))


def _first_set(settings: LLMSettings) -> LLMProvider:
    if settings.anthropic_api_key:
        return LLMProvider.ANTHROPIC
    if settings.openai_api_key:
        return LLMProvider.OPENAI
    return LLMProvider.OPENAI_COMPATIBLE if settings.openai_compatible_base_url else LLMProvider.EXTRACTIVE


def _model(settings: LLMSettings, provider: LLMProvider) -> str | None:
    match provider:
        case LLMProvider.ANTHROPIC:
            return settings.anthropic_model
        case LLMProvider.OPENAI:
            return settings.openai_model
        case LLMProvider.OPENAI_COMPATIBLE:
            return settings.openai_compatible_model
        case LLMProvider.EXTRACTIVE:
            from kit.adapters.extractive import EXTRACTIVE

            return EXTRACTIVE.model


def _extractive(embedder: EmbeddingModel) -> Clients:
    from kit.adapters.bm25 import Bm25Encoder
    from kit.adapters.extractive import ExtractiveAnswerer

    answerer = ExtractiveAnswerer(embedder, Bm25Encoder())

    def client(model: str) -> LLMClient:
        if model != answerer.model:
            raise Permanent("llm_model_unknown", f"the extractive answerer has one model, '{answerer.model}', and no '{model}'")
        return answerer

    return client


@asynccontextmanager
async def _anthropic(settings: LLMSettings, key: SecretStr) -> AsyncIterator[Clients]:
    from anthropic import AsyncAnthropic

    from kit.adapters.anthropic_llm import AnthropicLLM

    deadlines = _deadlines(settings)
    secret, url = key.get_secret_value(), settings.anthropic_base_url
    async with AsyncAnthropic(api_key=secret, base_url=url, timeout=deadlines.http, max_retries=0) as sdk:
        yield lambda model: AnthropicLLM(sdk, model, deadlines)


@asynccontextmanager
async def _openai(settings: LLMSettings, key: SecretStr) -> AsyncIterator[Clients]:
    from openai import AsyncOpenAI

    from kit.adapters.openai_llm import OpenAILLM
    from kit.adapters.tokens import TokenCounter

    deadlines, counter = _deadlines(settings), TokenCounter()
    secret, url = key.get_secret_value(), settings.openai_base_url
    async with AsyncOpenAI(api_key=secret, base_url=url, timeout=deadlines.http, max_retries=0) as sdk:
        yield lambda model: OpenAILLM(sdk, model, deadlines, counter)


@asynccontextmanager
async def _compatible(settings: LLMSettings) -> AsyncIterator[Clients]:
    from openai import AsyncOpenAI

    from kit.adapters.openai_llm import OpenAILLM
    from kit.adapters.tokens import TokenCounter

    deadlines, counter = _deadlines(settings), TokenCounter()
    # The SDK insists on a key; a server that needs none ignores it.
    secret = settings.openai_compatible_api_key.get_secret_value() if settings.openai_compatible_api_key else "none"
    url = settings.openai_compatible_base_url
    async with AsyncOpenAI(api_key=secret, base_url=url, timeout=deadlines.http, max_retries=0) as sdk:
        yield lambda model: OpenAILLM(sdk, model, deadlines, counter, LLMProvider.OPENAI_COMPATIBLE.value)


def _deadlines(settings: LLMSettings) -> Deadlines:
    return Deadlines(settings.connect_timeout_s, settings.first_token_timeout_s, settings.timeout_s)


def _incomplete(provider: LLMProvider, setting: str | None = None) -> Permanent:
    setting = setting or ("BASE_URL" if provider is LLMProvider.OPENAI_COMPATIBLE else "API_KEY")
    name = f"LLM__{provider.upper().replace('-', '_')}_{setting}"
    return Permanent("llm_settings_incomplete", f"the LLM provider '{provider}' is not set up; set {name}")
