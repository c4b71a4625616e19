"""Variants: what is not known or not possible is refused by its name, and a reference is resolved with its prompt."""

from typing import Any

import pytest
from pydantic import ValidationError

from kit.errors import Permanent
from services.rag.authenticate import ANYBODY
from services.rag.grounded_answer import GROUNDED_ANSWER
from services.rag.registry.entry import Entry, Kind
from services.rag.registry.errors import Invalid
from services.rag.registry.move import Weights
from services.rag.registry.version import sha256_of
from services.rag.variants import DEFAULT, VariantDefinition
from tests.unit.rag.shelf import TENANT, shelf_with_built_in, variant_on, variants_on

TEXT = {"type": "string"}


@pytest.mark.parametrize("unknown", [{"colour": "red"}, {"limits": {"tokens": 3}}])
def test_an_unknown_field_is_refused_by_its_name(unknown: dict[str, Any]) -> None:
    """Rather than ignored."""
    with pytest.raises(ValidationError) as error:
        VariantDefinition.model_validate(unknown)

    assert error.value.errors()[0]["type"] == "extra_forbidden"
    assert error.value.errors()[0]["loc"][-1] in {"colour", "tokens"}


@pytest.mark.parametrize(
    "wrong", [{"provider": "openai"}, {"model": "gpt-9"}, {"fusion_weight": 0.5}, {"provider": "acme", "model": "m"}, {"prompt": "A b"}]
)
def test_what_does_not_agree_is_refused(wrong: dict[str, Any]) -> None:
    """A model has a provider, a weight its fusion."""
    with pytest.raises(ValidationError):
        VariantDefinition.model_validate(wrong)


@pytest.mark.parametrize(
    ("field", "wanted"),
    [
        ("limits.cost_usd", {"limits": {"cost_usd": 0.01}}),
        ("prompt", {"prompt": "nobody@1"}),
        ("prompt", {"prompt": "odd"}),
    ],
)
async def test_what_the_pipeline_cannot_do_is_refused(field: str, wanted: dict[str, Any]) -> None:
    """A variant is never other than it says."""
    shelf = shelf_with_built_in()
    shelf.put(Kind.PROMPT, "odd", {"template": "{{ question }}", "variables": {"question": TEXT}})

    with pytest.raises(Invalid) as error:
        await variants_on(shelf).register(ANYBODY, "mine", VariantDefinition.model_validate(wanted), "m", "a")

    assert (error.value.code, [fault.field for fault in error.value.faults]) == ("variant_unsupported", [field])


@pytest.mark.parametrize("text", [None, "default", "default@production", "default@1"])
async def test_a_reference_finds_the_variant_with_its_prompt(text: str | None) -> None:
    """Without one it is `default@production`."""
    variant = await variant_on(shelf_with_built_in(), text)

    assert (variant.identity.name, variant.identity.version, variant.prompt.identity.name) == ("default", "1", GROUNDED_ANSWER)


@pytest.mark.parametrize("text", ["nobody", "default@9", "default@staging", "No such", "default@"])
async def test_an_unknown_variant_is_told(text: str) -> None:
    """Whatever about it is unknown."""
    with pytest.raises(Permanent, match="GET /variants") as error:
        await variant_on(shelf_with_built_in(), text)

    assert error.value.code == "variant_unknown"


async def test_subjects_get_the_version_of_their_share() -> None:
    """Each always the same."""
    shelf = shelf_with_built_in()
    shelf.put(Kind.VARIANT, DEFAULT, VariantDefinition(top_k=9).model_dump(mode="json"))
    shelf.labels[Entry(Kind.VARIANT, TENANT, DEFAULT), "production"] = Weights.of({1: 0.5, 2: 0.5})

    drawn = [(await variant_on(shelf, None, f"user-{n}")).identity.version for n in range(200)]

    assert 70 < drawn.count("2") < 130
    assert drawn[7] == (await variant_on(shelf, None, "user-7")).identity.version


async def test_a_variant_of_a_newer_release_is_not_run_as_something_else() -> None:
    """While a new version is rolled out."""
    shelf = shelf_with_built_in()
    shelf.put(Kind.VARIANT, DEFAULT, {**VariantDefinition().model_dump(mode="json"), "guard": "strict"})

    with pytest.raises(Permanent, match="another release"):
        await variant_on(shelf)


def test_equal_definitions_have_equal_hashes_whatever_their_order() -> None:
    """And others have others."""
    one = VariantDefinition.model_validate({"top_k": 7, "candidates": 9}).model_dump(mode="json")
    two = VariantDefinition.model_validate({"candidates": 9, "top_k": 7}).model_dump(mode="json")

    assert sha256_of(one) == sha256_of(dict(reversed(two.items())))
    assert sha256_of(one) != sha256_of(VariantDefinition().model_dump(mode="json"))
