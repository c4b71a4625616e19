"""Prompts: each kind of bad variable is told before any model is asked."""

from typing import Any

import pytest

from kit.ports.llm import Caller, Message, Role
from services.rag.registry.errors import Fault, Invalid
from services.rag.registry.variables import Variable
from tests.unit.rag.shelf import prompt_of, shelf_with_built_in, variant_on
from tests.unit.rag.test_cite import TEXT, passage

VARIABLES = {
    "question": {"type": "string", "maxLength": 10},
    "tone": {"type": "string", "enum": ["dry", "kind"], "required": False},
    "count": {"type": "integer", "required": False},
    "tags": {"type": "array", "maxItems": 2, "required": False},
}
TEMPLATE = "{{ question }}{{ tone }}{{ count }}{{ tags|length if tags }}"


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({}, Fault("question", "is missing")),
        ({"question": "why?", "colour": "red"}, Fault("colour", "is not a variable of this prompt; leave it out")),
        ({"question": 7}, Fault("question", "is no string")),
        ({"question": None}, Fault("question", "is no string")),
        ({"question": "why?", "count": "7"}, Fault("count", "is no integer")),
        ({"question": "why?", "count": True}, Fault("count", "is no integer")),
        ({"question": "why, oh why?"}, Fault("question", "has 12 characters, over the limit of 10")),
        ({"question": "why?", "tone": "rude"}, Fault("tone", 'is not one of ["dry", "kind"]')),
        ({"question": "why?", "tags": [1, 2, 3]}, Fault("tags", "has 3 items, over the limit of 2")),
    ],
    ids=["missing", "extra", "number", "null", "text", "boolean", "too long", "not in enum", "too many"],
)
async def test_each_kind_of_bad_variable_is_told(values: dict[str, Any], fault: Fault) -> None:
    """By its name."""
    prompt = await prompt_of(TEMPLATE, VARIABLES)

    with pytest.raises(Invalid) as error:
        prompt.render(values)

    assert (error.value.code, error.value.faults) == ("prompt_variables_invalid", (fault,))


async def test_all_bad_variables_are_told_at_once() -> None:
    """So that nobody mends them one by one."""
    prompt = await prompt_of(TEMPLATE, VARIABLES)

    with pytest.raises(Invalid) as error:
        prompt.render({"tone": "rude", "count": 1.5, "colour": "red"})

    assert {fault.field for fault in error.value.faults} == {"question", "tone", "count", "colour"}


async def test_values_that_are_too_much_together_are_refused() -> None:
    """Objects have no limit of their own."""
    prompt = await prompt_of("{{ a }}", {"a": {"type": "object"}})

    with pytest.raises(Invalid, match="over the limit of 1000000"):
        prompt.render({"a": {"text": "y" * 1_000_000}})


async def test_an_optional_variable_that_is_not_given_is_nothing() -> None:
    """An empty text, and false."""
    prompt = await prompt_of(TEMPLATE, VARIABLES)

    assert prompt.render({"question": "why?"}) == (Message(Role.USER, "why?"),)


@pytest.mark.parametrize(
    "declared",
    [
        {"type": "integer", "maxLength": 3},
        {"type": "string", "maxItems": 3},
        {"type": "string", "enum": [1]},
        {"type": "string", "enum": []},
        {"type": "text"},
        {"type": "string", "pattern": "a+"},
    ],
)
def test_a_variable_that_makes_no_sense_is_refused(declared: dict[str, Any]) -> None:
    """Or that says more than is checked."""
    with pytest.raises(ValueError, match=r"validation error"):
        Variable.model_validate(declared)


async def test_an_included_prompt_is_rendered_with_its_own_variables() -> None:
    """Those of the same name, and no others."""
    inner = ("Be {{ tone }}.", {"tone": {"type": "string", "enum": ["dry"]}})
    both = {"tone": {"type": "string"}, "question": {"type": "string"}}
    prompt = await prompt_of(
        [{"role": "system", "content": '{{ prompt("style@1") }} Now:'}, {"role": "user", "content": "{{ question }}"}], both, style=inner
    )

    assert prompt.render({"tone": "dry", "question": "why?"}) == (Message(Role.SYSTEM, "Be dry. Now:"), Message(Role.USER, "why?"))
    with pytest.raises(Invalid, match=r'tone: is not one of \["dry"\] \(style@1 asks for it\)'):
        prompt.render({"tone": "rude", "question": "why?"})


async def test_a_document_that_names_a_prompt_includes_nothing() -> None:
    """What is rendered is not rendered again."""
    prompt = await prompt_of("{{ question }}", {"question": {"type": "string"}})

    assert prompt.render({"question": '{{ prompt("style@1") }}'})[0].content == '{{ prompt("style@1") }}'


async def test_the_built_in_prompt_numbers_the_passages() -> None:
    """And says that there are none."""
    variant = await variant_on(shelf_with_built_in())

    asked = variant.request("When?", [passage()], Caller())
    nothing = variant.request("When?", [], Caller())

    assert asked.messages[1].content == f"Passages:\n\n[1] Policy\n{TEXT}\n\nQuestion: When?"
    assert nothing.messages[1].content == "Passages:\n\n(none)\n\nQuestion: When?"
    assert asked.messages[0].content.endswith("reply exactly: I don't know.")
