"""Budgets that somebody set, and what was spent: the ledger's sums."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import asyncpg
import structlog

from kit.clock import Clock
from kit.errors import Permanent
from kit.gateway.budget import Budget, BudgetScope, Window
from kit.gateway.caps import Caps
from kit.ports.llm import Caller
from kit.postgres import load_queries
from services.rag.principal import Principal, Scope

log = structlog.get_logger(__name__)

CACHED_S = 5.0
_MOST_CACHED = 10_000


class UsageBy(StrEnum):
    """What usage may be grouped by; days are those of UTC."""

    TENANT = "tenant"
    KEY = "key"
    RUN = "run"
    DAY = "day"
    PROVIDER = "provider"
    MODEL = "model"
    PURPOSE = "purpose"


@dataclass(frozen=True, slots=True)
class Spending:
    """A budget, what is spent or reserved of it in the window of now, and when that ends (None: never)."""

    budget: Budget
    micros: int
    tokens: int
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class UsageRow:
    """Sums of calls that have the same `group`. Of those that are `unknown`, all that may have been billed counts."""

    group: Mapping[str, str | None]
    calls: int
    failed: int
    cancelled: int
    unknown: int
    input_tokens: int
    output_tokens: int
    micros: int
    unpriced: int


class StoredCaps:
    """`Caps` of the table `budgets`, over `defaults` for windows that it says nothing of."""

    def __init__(self, pool: asyncpg.Pool, defaults: Caps, clock: Clock) -> None:
        self._pool = pool
        self._defaults = defaults
        self._clock = clock
        self._queries = load_queries("rag")
        self._cached: dict[tuple[str, str | None, str | None], tuple[float, tuple[Budget, ...]]] = {}

    async def of(self, caller: Caller) -> tuple[Budget, ...]:
        payers = (caller.tenant_id, caller.key_id, caller.run_id)
        until, budgets = self._cached.get(payers, (0.0, ()))
        if self._clock.monotonic() >= until:
            until, budgets = self._clock.monotonic() + CACHED_S, await self._read(caller)
            if len(self._cached) >= _MOST_CACHED:
                self._cached.clear()
            self._cached[payers] = (until, budgets)
        return budgets

    async def _read(self, caller: Caller) -> tuple[Budget, ...]:
        rows = self._queries.budgets_of(self._pool, tenant_id=caller.tenant_id, key_id=caller.key_id, run_id=caller.run_id)
        stored = [_budget(row) async for row in rows]
        found = {(budget.scope, budget.subject, budget.window): budget for budget in (*await self._defaults.of(caller), *stored)}
        return tuple(found.values())


class Budgets:
    """The table `budgets`; who changes it is told in the audit trail. One's own tenant's, or with `tenants:admin` any tenant's as well."""

    def __init__(self, pool: asyncpg.Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock
        self._queries = load_queries("rag")

    async def put(self, who: Principal, budget: Budget) -> Spending:
        """Sets a budget, everywhere within 5 s; what is spent already counts. Raises Permanent `scope_missing` for another tenant's."""
        place = _place(who, budget)
        async with self._pool.acquire() as connection, connection.transaction():
            await self._queries.put_budget(connection, **place, micros=budget.micros, tokens=budget.tokens)
            await self._note(connection, who, "budget.set", place, {"micros": budget.micros, "tokens": budget.tokens})
        return await self._spending(budget, place)

    async def get(self, who: Principal, wanted: Budget) -> Spending:
        """The limits of the budget of this scope, subject and window. Raises Permanent `budget_unknown`."""
        place = _place(who, wanted)
        row = await self._queries.get_budget(self._pool, **place)
        if row is None:
            raise _unknown(wanted)
        return await self._spending(Budget(wanted.scope, wanted.subject, wanted.window, row["micros"], row["tokens"]), place)

    async def remove(self, who: Principal, budget: Budget) -> None:
        """Takes a budget away: that of the settings holds again, if there is one. Raises Permanent `budget_unknown`."""
        place = _place(who, budget)
        async with self._pool.acquire() as connection, connection.transaction():
            if await self._queries.remove_budget(connection, **place) is None:
                raise _unknown(budget)
            await self._note(connection, who, "budget.removed", place, {})

    async def _spending(self, budget: Budget, place: Mapping[str, str]) -> Spending:
        counter = budget.counter(self._clock.now())
        ledger = {name: place[name] for name in ("tenant_id", "scope", "subject")}
        row = await self._queries.spent(self._pool, **ledger, start=counter.start, end=counter.end)
        return Spending(budget, row["micros"], row["tokens"], counter.end if counter.window.renews else None)

    async def _note(
        self, connection: asyncpg.Connection, who: Principal, action: str, place: Mapping[str, str], detail: dict[str, Any]
    ) -> None:
        subject = "/".join(place[name] for name in ("scope", "subject", "window"))
        await self._queries.put_audit(
            connection, tenant_id=place["tenant_id"], actor=who.key_id, action=action, subject=subject, detail=detail
        )
        log.info(action, subject=subject, actor=who.key_id)


class Usage:
    """Sums of the ledger."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._queries = load_queries("rag")

    async def between(self, who: Principal, by: Sequence[UsageBy], start: datetime, end: datetime) -> list[UsageRow]:
        """Calls from `start` to before `end`, of the tenant of `who`, or with `tenants:admin` of all."""
        tenant_id = None if who.may(Scope.TENANTS_ADMIN) else who.tenant_id
        rows = self._queries.usage(self._pool, by=list(by), start=start, end=end, tenant_id=tenant_id)
        return [_row(row, by) async for row in rows]


def _place(who: Principal, budget: Budget) -> dict[str, str]:
    tenant_id = budget.subject if budget.scope is BudgetScope.TENANT else who.tenant_id
    if tenant_id != who.tenant_id:
        who.require(Scope.TENANTS_ADMIN)
    return {"tenant_id": tenant_id, "scope": budget.scope, "subject": budget.subject, "window": budget.window}


def _budget(row: asyncpg.Record) -> Budget:
    return Budget(BudgetScope(row["scope"]), row["subject"], Window(row["budget_window"]), row["micros"], row["tokens"])


def _row(row: asyncpg.Record, by: Sequence[UsageBy]) -> UsageRow:
    sums = {name: value for name, value in row.items() if name not in tuple(UsageBy)}
    return UsageRow(group={name: None if row[name] is None else str(row[name]) for name in by}, **sums)


def _unknown(budget: Budget) -> Permanent:
    told = (
        f"nobody has set a {budget.window} budget of {budget.scope} {budget.subject!r}; set one with PUT, or see the settings for defaults"
    )
    return Permanent("budget_unknown", told)
