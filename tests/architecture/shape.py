"""Measures the shape of Python code: what the budgets in `test_shape.py` are about."""

import ast
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
SERVICES = ("ingest", "indexer", "rag", "evaluator", "feedback")

_MOCK = re.compile(r"\b(?:Magic|Async|Non\w*)?Mock\(|\bpatch(?:\.object)?\(|\bmocker\.\w+|\bmonkeypatch\.\w+")
_BROAD = {"Exception", "BaseException"}


@dataclass(frozen=True)
class Source:
    """One module: its path below the repository and its text."""

    path: str
    text: str

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Every node of the module's syntax tree."""
        return list(ast.walk(ast.parse(self.text)))

    @property
    def lines(self) -> int:
        """How many lines the module has."""
        return self.text.count("\n")


@dataclass(frozen=True)
class Function:
    """A function or method and the lines it has, signature included, docstring not."""

    name: str
    lines: int


def sources(*folders: str) -> list[Source]:
    """Every module that holds anything below these folders of the repository."""
    paths = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    found = (Source(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for path in paths)
    return [source for source in found if source.text.strip()]


def functions(source: Source) -> Iterator[Function]:
    """The functions of a module, nested ones too."""
    for node in source.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield Function(f"{source.path}:{node.lineno} {node.name}", _extent(node) - _docstring(node))


def broad_excepts(source: Source) -> list[str]:
    """Where everything is caught or suppressed: bare `except`, `Exception`, `BaseException`, alone or in a tuple."""
    return [f"{source.path}:{node.lineno}" for node in source.nodes if isinstance(node, ast.ExceptHandler | ast.Call) and _is_broad(node)]


def strings(source: Source) -> Iterator[tuple[str, str]]:
    """Every string constant with its place."""
    for node in source.nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield f"{source.path}:{node.lineno}", node.value


def imports(source: Source) -> Iterator[str]:
    """The top-level package of everything a module imports."""
    for node in source.nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


def mocks(source: Source) -> int:
    """How often a test replaces something by a mock or a patch."""
    return len(_MOCK.findall(source.text))


def percentile(values: Sequence[int], percent: int) -> int:
    """The nearest-rank percentile."""
    return sorted(values)[max(0, math.ceil(percent / 100 * len(values)) - 1)]


def _extent(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _docstring(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return 0 if ast.get_docstring(node, clean=False) is None else _extent(node.body[0])


def _is_broad(node: ast.ExceptHandler | ast.Call) -> bool:
    if isinstance(node, ast.ExceptHandler):
        return node.type is None or bool(_names(node.type) & _BROAD)
    return "suppress" in _names(node.func) and any(_names(argument) & _BROAD for argument in node.args)


def _names(node: ast.AST) -> set[str]:
    own = (getattr(child, "id", getattr(child, "attr", "")) for child in ast.walk(node))
    return set(own) - {""}
