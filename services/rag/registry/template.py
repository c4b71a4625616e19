"""Templates: a small part of Jinja2 in its sandbox, chosen and metered so that rendering ends soon whatever is written in one.

Allowed are text, `{{ value }}`, `if`, `for` (not in another `for`), `.key` and `[key]` of JSON values, comparisons with constants, `and`,
`or`, `not`, the filters and tests of `filters.py`, and `{{ prompt("name@version") }}`. There is no arithmetic, no assignment, no method, no
macro, no file, and no other call.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from jinja2 import StrictUndefined, Undefined, nodes
from jinja2.exceptions import TemplateError, TemplateSyntaxError
from jinja2.meta import find_undeclared_variables
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from kit.errors import Permanent
from services.rag.registry.filters import FILTERS, METER, TESTS, Meter, said

MAX_CHARS = 32_000
MAX_RENDERED_CHARS = 400_000
PROMPT = "prompt"
RESERVED = frozenset({PROMPT, "loop", "self"})
_TURN = 10
_LOOP = frozenset({"first", "index", "index0", "last", "length"})
_MEMBERSHIP = frozenset({"in", "notin"})
_ALLOWED = (
    *(nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.List, nodes.Tuple, nodes.Getattr, nodes.Getitem),
    *(nodes.If, nodes.For, nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not),
    *(nodes.Filter, nodes.Test, nodes.Call),
)


class TemplateInvalid(Permanent):
    """A text that is no template, with everything that is wrong with it."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("prompt_invalid", "; ".join(faults))
        self.faults = faults


class Template:
    """A template: `variables` are the names it uses, `references` the prompts it includes. Raises TemplateInvalid."""

    def __init__(self, source: str) -> None:
        if len(source) > MAX_CHARS:
            raise TemplateInvalid([f"has {len(source)} characters, over the limit of {MAX_CHARS}"])
        try:
            tree = _environment().parse(source)
            if faults := [f"line {node.lineno}: {told}" for node in tree.find_all(nodes.Node) if (told := _fault(node))]:
                raise TemplateInvalid(faults)
            self.source = source
            self.variables = frozenset(find_undeclared_variables(tree) - RESERVED)
            self.references = tuple(dict.fromkeys(_included(tree)))
            self._compiled = _environment().from_string(_metered(tree))
        except TemplateSyntaxError as error:
            raise TemplateInvalid([f"line {error.lineno}: {error.message}"]) from error
        except (SyntaxError, RecursionError, ValueError, MemoryError) as error:
            raise TemplateInvalid([f"cannot be compiled; nest less and write smaller numbers ({type(error).__name__})"]) from error

    def render(self, values: Mapping[str, Any], prompts: Callable[[str], str]) -> str:
        """The text with these values; `prompts` gives the text of an included one.

        Raises Permanent `prompt_too_long`, and `prompt_variables_invalid` if a value is not what the template takes it for.
        """
        pieces, length = [], 0
        try:
            for piece in self._compiled.generate({**values, PROMPT: prompts, METER: Meter()}):
                length += len(piece)
                if length > MAX_RENDERED_CHARS:
                    raise Permanent("prompt_too_long", f"the prompt has over {MAX_RENDERED_CHARS} characters; give it less")
                pieces.append(piece)
        except (TemplateError, TypeError, ValueError) as error:
            raise Permanent("prompt_variables_invalid", f"the template cannot use these values: {error}") from error
        return "".join(pieces)


class _Sandbox(ImmutableSandboxedEnvironment):
    """Looks into JSON values by key and index; attributes and methods of Python's objects are out of reach."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, LoopContext) and attribute in _LOOP:
            return super().getattr(obj, attribute)
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        try:
            return obj[argument] if isinstance(obj, dict | list | tuple) else self.undefined(obj=obj, name=argument)
        except (LookupError, TypeError):
            return self.undefined(obj=obj, name=argument)


@cache
def _environment() -> _Sandbox:
    sandbox = _Sandbox(undefined=StrictUndefined, autoescape=False, finalize=_told)
    sandbox.filters = dict(FILTERS)
    sandbox.globals = {}
    return sandbox


def _told(value: Any) -> Any:
    return value if isinstance(value, Undefined) else said(value)  # an undefined value raises when it becomes text


def _metered(tree: nodes.Template) -> nodes.Template:
    """Every turn of a loop pays for what stands in it."""
    for loop in list(tree.find_all(nodes.For)):
        price = nodes.Const(_TURN + sum(1 for _ in loop.find_all(nodes.Node)))
        pay = nodes.Output([nodes.Call(nodes.Name(METER, "load"), [price], [], None, None)])
        loop.body.insert(0, pay.set_lineno(loop.lineno).set_environment(_environment()))
    return tree


def _included(tree: nodes.Template) -> Iterator[str]:
    for call in tree.find_all(nodes.Call):
        if isinstance(argument := call.args[0], nodes.Const):
            yield argument.value


def _fault(node: nodes.Node) -> str | None:
    """What is wrong with one node of a template's tree."""
    match node:
        case nodes.Call() if not _includes(node):
            return f'only {{{{ {PROMPT}("name@version") }}}} can be called, with a text in quotes'
        case nodes.Name() if node.name.startswith("_") or node.name == "self" or (node.name in RESERVED and node.ctx != "load"):
            return f"{node.name!r} is no name for a variable; use another"
        case nodes.Filter() if node.name not in FILTERS or node.node is None:
            return f"the filter {node.name!r} is not among {', '.join(sorted(FILTERS))}"
        case nodes.Test() if node.name not in TESTS:
            return f"the test {node.name!r} is not among {', '.join(sorted(TESTS))}"
        case nodes.Filter() | nodes.Test() if not all(isinstance(argument, nodes.Const) for argument in node.args):
            return f"{node.name!r} takes constants only"
        case nodes.Compare() if not _cheap(node):
            return "compare with a constant, or with `in` and a list of constants"
        case nodes.For() if node.recursive or next(node.find_all(nodes.For), None):
            return "a loop may not stand in another"
    return None if isinstance(node, _ALLOWED) else f"{type(node).__name__} is not allowed here"


def _includes(call: nodes.Call) -> bool:
    plain = not call.kwargs and call.dyn_args is None and call.dyn_kwargs is None and len(call.args) == 1
    return (
        plain and call.node == nodes.Name(PROMPT, "load") and isinstance(call.args[0], nodes.Const) and isinstance(call.args[0].value, str)
    )


def _cheap(compare: nodes.Compare) -> bool:
    """Whether it takes no longer for larger values."""
    if any(operand.op in _MEMBERSHIP and not isinstance(operand.expr, nodes.List | nodes.Tuple) for operand in compare.ops):
        return False
    sides = [compare.expr, *(operand.expr for operand in compare.ops)]
    return sum(not _constant(side) for side in sides) <= 1


def _constant(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Const) or (isinstance(node, nodes.List | nodes.Tuple) and all(_constant(item) for item in node.items))
