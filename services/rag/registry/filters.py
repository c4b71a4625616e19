"""The filters and tests of templates, few and metered: each pays for the size of what it works on."""

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context

from kit.errors import Permanent

METER = "_meter"
MAX_WORK = 1_000_000


class Meter:
    """What one rendering may cost: characters handled by filters, and turns of loops."""

    def __init__(self) -> None:
        self._left = MAX_WORK

    def __call__(self, price: int) -> str:
        """Pays. Raises Permanent `prompt_too_long`."""
        self._left -= price
        if self._left < 0:
            raise Permanent("prompt_too_long", "rendering this prompt takes too much work; give it less, or write shorter loops")
        return ""


def said(value: Any) -> str:
    """A value as text: nothing is an empty text, and what is no text is JSON."""
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def _metered(work: Callable[..., Any]) -> Callable[..., Any]:
    @pass_context
    def metered(context: Context, value: Any, *arguments: Any) -> Any:
        made = work(value, *arguments)
        context[METER](max(len(part) for part in (value, made) if isinstance(part, str | list | tuple | dict)))
        return made

    return metered


def _join(items: list[Any], separator: str = "") -> str:
    return separator.join(said(item) for item in items)


FILTERS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "join": _metered(_join),
        "length": len,
        "lower": _metered(str.lower),
        "tojson": _metered(lambda value: json.dumps(value, ensure_ascii=False)),
        "trim": _metered(str.strip),
        "upper": _metered(str.upper),
    }
)
TESTS = frozenset({"defined", "none", "undefined"})
