"""The budgets of the house: when one hurts, split along a noun."""

from statistics import median

import pytest

from tests.architecture.shape import Source, broad_excepts, functions, mocks, percentile, sources

CODE = sources("contracts", "kit", "services", "workbench")
TESTS = sources("tests")


def test_no_module_has_more_than_300_lines() -> None:
    """Tests included."""
    assert {source.path: source.lines for source in CODE + TESTS if source.lines > 300} == {}


def test_half_of_the_modules_have_at_most_80_lines() -> None:
    """The median module fits on a screen or two."""
    assert median(source.lines for source in CODE) <= 80


def test_no_function_has_more_than_50_lines() -> None:
    """Docstrings do not count."""
    assert [function for source in CODE for function in functions(source) if function.lines > 50] == []


def test_functions_are_short() -> None:
    """Half of them at most 7 lines, nine of ten at most 25."""
    lines = [function.lines for source in CODE for function in functions(source)]

    assert (percentile(lines, 50) <= 7, percentile(lines, 90) <= 25) == (True, True), (median(lines), percentile(lines, 90))


def test_no_test_has_more_than_25_lines() -> None:
    """Build, act, assert."""
    found = [function for source in TESTS for function in functions(source) if " test_" in function.name]

    assert [function for function in found if function.lines > 25] == []


def test_tests_use_fakes_not_mocks() -> None:
    """At most two mocks in a thousand lines of tests."""
    used = {source.path: mocks(source) for source in TESTS if mocks(source)}

    assert sum(used.values()) * 1000 <= 2 * sum(source.lines for source in TESTS), used


# A record's handler, and a file's parser in a process of its own, may raise anything.
MAY_CATCH_EVERYTHING = {"kit/delivery.py", "services/ingest/isolate.py"}


def test_only_delivery_and_the_parser_process_catch_everything() -> None:
    """The failure policy is in one place."""
    assert [place for source in CODE if source.path not in MAY_CATCH_EVERYTHING for place in broad_excepts(source)] == []


def test_every_module_says_what_it_is() -> None:
    """Code and tests: the first thing in a file is its docstring."""
    silent = [source.path for source in CODE + TESTS if not source.text.startswith(('"""', 'r"""'))]

    assert silent == []


@pytest.mark.parametrize(
    "line",
    ["except:", "except Exception:", "except (OSError, Exception) as error:", "except builtins.BaseException:"],
)
def test_a_broad_except_is_seen(line: str) -> None:
    """The checker itself, on bad code."""
    assert broad_excepts(Source("bad.py", f"try:\n    work()\n{line}\n    raise\n")) == ["bad.py:3"]


def test_a_broad_suppress_is_seen_and_a_narrow_one_is_not() -> None:
    """`suppress` is an except in other clothes."""
    bad = Source("bad.py", "with contextlib.suppress(OSError, Exception):\n    work()\n")
    good = Source("good.py", "with suppress(OSError):\n    work()\ntry:\n    work()\nexcept OSError:\n    raise\n")

    assert (broad_excepts(bad), broad_excepts(good)) == (["bad.py:1"], [])


def test_lines_of_a_function_are_counted_without_its_docstring() -> None:
    """Signature and body; a nested function counts on its own as well."""
    text = 'def outer():\n    """Two\n    lines."""\n    async def inner():\n        return 1\n    return inner\n'

    assert [(f.name, f.lines) for f in functions(Source("m.py", text))] == [("m.py:1 outer", 4), ("m.py:4 inner", 2)]


def test_mocks_are_counted() -> None:
    """Whatever library they come from."""
    text = "Magic" + "Mock(); pat" + "ch('a'); monkey" + "patch.setenv('A', 'b'); dispatch(x)"

    assert mocks(Source("test_bad.py", text)) == 3


def test_percentiles_are_nearest_rank() -> None:
    """As the budgets were measured on other projects."""
    assert [percentile([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], p) for p in (50, 90, 100)] == [5, 9, 10]
