"""Which models the settings open."""

import pytest

from kit.adapters.open_llm import model_ref, open_providers
from kit.errors import Permanent
from kit.fakes.embedding import HashEmbedding
from kit.ports.llm import ModelRef
from kit.settings import LLMProvider, LLMSettings
from tests.ports.llm_clients import Address, asking, opened, settings
from tests.ports.model_server import ModelServer

NOBODY = Address("http://127.0.0.1:9")
UNSET: dict[str, None] = dict.fromkeys(("anthropic_api_key", "openai_api_key", "openai_compatible_base_url"))


@pytest.mark.parametrize(
    ("missing", "chosen"),
    [
        (0, LLMProvider.ANTHROPIC),
        (1, LLMProvider.OPENAI),
        (2, LLMProvider.OPENAI_COMPATIBLE),
        (3, LLMProvider.EXTRACTIVE),
    ],
)
async def test_the_first_provider_that_is_set_up_is_the_default(missing: int, chosen: LLMProvider) -> None:
    """Without any there is an answerer all the same."""
    async with opened(None, NOBODY, **dict.fromkeys(list(UNSET)[:missing])) as client:
        assert client.provider == chosen


@pytest.mark.parametrize(
    ("provider", "changes", "setting"),
    [
        (LLMProvider.OPENAI, UNSET, "LLM__OPENAI_API_KEY"),
        (LLMProvider.ANTHROPIC, UNSET, "LLM__ANTHROPIC_API_KEY"),
        (LLMProvider.OPENAI_COMPATIBLE, UNSET, "LLM__OPENAI_COMPATIBLE_BASE_URL"),
        (LLMProvider.OPENAI_COMPATIBLE, {"openai_compatible_model": None}, "LLM__OPENAI_COMPATIBLE_MODEL"),
        (LLMProvider.EXTRACTIVE, {**UNSET, "fallback": ("openai/gpt-4o",)}, "LLM__OPENAI_API_KEY"),
    ],
)
async def test_a_chosen_provider_that_is_not_set_up_stops_the_start(
    provider: LLMProvider, changes: dict[str, object], setting: str
) -> None:
    """Better than at the first question."""
    with pytest.raises(Permanent, match=setting) as raised:
        async with opened(provider, NOBODY, **changes):
            pass

    assert raised.value.code == "llm_settings_incomplete"


async def test_any_model_of_a_provider_that_is_set_up_can_be_asked(models: ModelServer) -> None:
    """By its name, which may have slashes."""
    names = ("anthropic/claude", "openai-compatible/org/model")
    chain = settings(None, Address(models.url), provider=LLMProvider.OPENAI, fallback=names)
    async with open_providers(chain, HashEmbedding()) as providers:
        asked = [await providers.client(ref).complete(asking()) for ref in (*providers.default, ModelRef("openai", "other"))]

    assert [f"{completion.provider}/{completion.model}" for completion in asked] == [
        "openai/some-model",
        "anthropic/claude",
        "openai-compatible/org/model",
        "openai/other",
    ]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("nobody/model", "llm_provider_unknown"),
        ("openai/gpt-4o", "llm_settings_incomplete"),
        ("extractive/another", "llm_model_unknown"),
    ],
)
async def test_a_model_that_cannot_be_asked_is_named(name: str, code: str) -> None:
    """With what to do about it."""
    async with open_providers(LLMSettings(), HashEmbedding()) as providers:
        with pytest.raises(Permanent) as raised:
            providers.client(model_ref(name))

    assert raised.value.code == code
