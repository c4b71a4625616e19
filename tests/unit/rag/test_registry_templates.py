"""Templates: what may be written, and that rendering ends whatever is."""

from typing import Any

import pytest

from kit.errors import Permanent
from services.rag.registry.template import MAX_RENDERED_CHARS, Template, TemplateInvalid


def render(source: str, **values: Any) -> str:
    """The text of a template that includes nothing."""
    return Template(source).render(values, lambda name: f"<{name}>")


def refused(source: str) -> str:
    """What is wrong with a template."""
    with pytest.raises(TemplateInvalid) as error:
        Template(source)
    return error.value.message


def test_values_conditions_loops_and_filters_are_rendered() -> None:
    """What prompts are made of."""
    source = "{% for x in xs if x.n != 2 %}{{ loop.index }} {{ x.t|trim|upper }}; {% endfor %}{{ tone if tone in ['dry'] else 'plain' }}"

    assert render(source, xs=[{"n": 1, "t": " a "}, {"n": 2, "t": "b"}, {"n": 3, "t": "c"}], tone="dry") == "1 A; 2 C; dry"


def test_what_is_no_text_is_said_as_json_and_nothing_is_empty() -> None:
    """Not as Python writes it."""
    assert render("{{ a }}|{{ b }}|{{ c }}|{{ d|join(', ') }}", a=None, b=True, c={"k": ["é"]}, d=["x", 1]) == '|true|{"k": ["é"]}|x, 1'


def test_markup_and_jinja_in_a_value_are_only_text() -> None:
    """A document that says `{{ prompt("secret") }}` is quoted, not run."""
    assert render("{{ a }}", a='<b>&{{ prompt("x") }}{% raw %}') == '<b>&{{ prompt("x") }}{% raw %}'


def test_variables_and_references_are_known_beforehand() -> None:
    """Those of loops are their own."""
    template = Template('{{ prompt("tone@2") }}{% for p in passages %}{{ p.text }}{{ question }}{% endfor %}')

    assert template.variables == {"passages", "question"}
    assert template.references == ("tone@2",)


@pytest.mark.parametrize(
    "source",
    [
        "{{ a.upper() }}",
        "{{ range(9) }}",
        "{{ a * 9 }}",
        "{{ a ~ a }}",
        "{{ a|replace('a', 'b') }}",
        "{{ a|upper(b) }}",
        "{{ a == b }}",
        "{{ a in b }}",
        "{{ a[1:] }}",
        "{{ _meter }}",
        "{{ self }}",
        "{{ prompt(a) }}",
        "{% set a = 1 %}",
        "{% include 'etc/passwd' %}",
        "{% import 'a' as b %}",
        "{% extends 'a' %}",
        "{% macro a() %}{% endmacro %}",
        "{% for a in b recursive %}{% endfor %}",
        "{% for a in b %}{% for c in d %}{% endfor %}{% endfor %}",
        "{% for prompt in b %}{% endfor %}",
        "{% if a %}",
        "{{ " + "(" * 5_000 + "a" + ")" * 5_000 + " }}",
        "{{ " + "9" * 10_000 + " }}",
        "a" * 32_001,
    ],
)
def test_what_might_run_long_or_reach_out_is_refused(source: str) -> None:
    """When the template is registered."""
    assert refused(source)


def test_everything_that_is_wrong_is_told_with_its_line() -> None:
    """Not only the first."""
    told = refused("{{ a ~ b }}\n{{ range(3) }}")

    assert "line 1: Concat" in told
    assert "line 2: only {{ prompt" in told


@pytest.mark.parametrize(
    "source", ["{{ a.__class__.__mro__ }}", "{{ a['__class__'] }}", "{{ a.format }}", "{{ d.keys }}", "{{ d.missing }}"]
)
def test_attributes_of_python_objects_are_out_of_reach(source: str) -> None:
    """JSON has keys and indices only."""
    with pytest.raises(Permanent, match="cannot use these values") as error:
        render(source, a="text", d={"k": 1})

    assert error.value.code == "prompt_variables_invalid"


def test_a_key_is_a_key_even_if_python_has_a_method_of_its_name() -> None:
    """And a method is no key."""
    source = "{{ d.items }} {{ d.keys is defined }}"

    assert render(source, d={"items": 3}) == "3 false"


@pytest.mark.parametrize(
    ("source", "values"),
    [
        ("{% for x in a %}{{ x }}{% endfor %}", {"a": ["y" * 1000] * (MAX_RENDERED_CHARS // 1000 + 1)}),
        ("{% for x in a %}{% if x == 'q' %}{% endif %}{% endfor %}", {"a": "y" * 1_000_000}),
        ("{{ a|upper|length }}" * 1_000, {"a": "y" * 100_000}),
        ("{% for x in a %}{% if a|tojson == 'q' %}{% endif %}{% endfor %}", {"a": ["y" * 900] * 1_000}),
    ],
    ids=["long", "idle loop", "filters", "filter in a loop"],
)
def test_rendering_ends_soon(source: str, values: dict[str, Any]) -> None:
    """Too much text, or too much work."""
    with pytest.raises(Permanent) as error:
        render(source, **values)

    assert error.value.code == "prompt_too_long"
