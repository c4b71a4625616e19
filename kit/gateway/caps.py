"""Which budgets hold for whom."""

from collections.abc import Iterator
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from pydantic import Field

from kit.gateway.budget import LARGEST, MICROS, Budget, BudgetScope, Window, micros_of, subjects_of
from kit.gateway.price import OwnPrice
from kit.ports.llm import Caller
from kit.settings import Section


class Cap(Section):
    """A limit in dollars, in tokens (input and output together), or in both."""

    usd: Decimal | None = Field(default=None, ge=0, le=LARGEST // MICROS)
    tokens: int | None = Field(default=None, ge=0, le=LARGEST)


class WindowCaps(Section):
    """A limit for each window; days and months are those of UTC."""

    day: Cap = Cap()
    month: Cap = Cap()
    total: Cap = Cap()


class WhenDown(StrEnum):
    """What happens to a call with a budget while nobody can say what is spent."""

    FAIL_CLOSED = "fail_closed"
    FAIL_OPEN = "fail_open"


class BudgetSettings(Section):
    """Budgets of every tenant, every API key and every evaluation run that has none of its own for the same window.

    `prices` is by `provider/model` or `provider`, and goes before the price list.
    """

    tenant: WindowCaps = WindowCaps()
    key: WindowCaps = WindowCaps()
    run: WindowCaps = WindowCaps()
    when_down: WhenDown = WhenDown.FAIL_CLOSED
    prices: dict[str, OwnPrice] = Field(default_factory=dict)
    keep_content: bool = Field(default=False, description="whether the ledger keeps messages and answers")


class Caps(Protocol):
    """Promise: a change of a budget holds everywhere within 5 seconds; no two budgets are of one scope, subject and window."""

    async def of(self, caller: Caller) -> tuple[Budget, ...]:
        """The budgets that a caller's calls go on. Raises DependencyDown if that cannot be found out."""
        ...


class DefaultCaps:
    """`Caps` that are the same for every tenant, every key and every run."""

    def __init__(self, settings: BudgetSettings) -> None:
        self._by_scope = {BudgetScope.TENANT: settings.tenant, BudgetScope.KEY: settings.key, BudgetScope.RUN: settings.run}

    async def of(self, caller: Caller) -> tuple[Budget, ...]:
        return tuple(self._found(caller))

    def _found(self, caller: Caller) -> Iterator[Budget]:
        for scope, subject in subjects_of(caller):
            for window in Window:
                cap: Cap = getattr(self._by_scope[scope], window)
                if cap.usd is not None or cap.tokens is not None:
                    yield Budget(scope, subject, window, None if cap.usd is None else micros_of(cap.usd), cap.tokens)
