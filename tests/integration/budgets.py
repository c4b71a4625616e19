"""Budgets over real servers: counters in Redis, a ledger in Postgres, and what both say."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import redis.asyncio as redis

from kit.gateway.accounts import Accounts
from kit.gateway.budget import Budget, Charge, Counter
from kit.gateway.counters import RedisCounters
from kit.gateway.ledger import Call, CallStatus, Outcome, PostgresLedger
from kit.ids import new_id
from kit.ports.llm import Caller
from tests.integration.conftest import OpenEffects
from workbench.stack.servers import Servers

NOW = datetime(2026, 5, 5, 12, tzinfo=UTC)


@dataclass(frozen=True)
class FixedCaps:
    """The same budgets for everybody who is in them."""

    budgets: tuple[Budget, ...]

    async def of(self, caller: Caller) -> tuple[Budget, ...]:
        """Those of the caller's tenant, key and run."""
        subjects = {caller.tenant_id, caller.key_id, caller.run_id}
        return tuple(budget for budget in self.budgets if budget.subject in subjects)


@dataclass(frozen=True)
class Real:
    """The servers, and the budgets that hold."""

    redis: "redis.Redis"
    pool: asyncpg.Pool
    prefix: str

    counters: type[RedisCounters] = RedisCounters

    def accounts(self, *budgets: Budget) -> Accounts:
        """Those of one more process."""
        return Accounts(self.counters(self.redis, self.prefix, timeout_s=20), PostgresLedger(self.pool), FixedCaps(budgets))

    async def counted(self, counter: Counter, tenant_id: str) -> tuple[int, int]:
        """Micro-dollars and tokens that the counter holds."""
        [sums] = await self.all_counted([counter], tenant_id)
        return sums

    async def all_counted(self, counters: Sequence[Counter], tenant_id: str) -> list[tuple[int, int]]:
        """What each counter holds, all at one moment."""
        async with self.redis.pipeline() as pipe:
            for counter in counters:
                pipe.hmget(f"{self.prefix}:{{{tenant_id}}}:{counter.name}", "micros", "tokens")
            return [(int(micros or 0), int(tokens or 0)) for micros, tokens in await pipe.execute()]

    async def booked(self, counter: Counter, tenant_id: str) -> tuple[int, int]:
        """Micro-dollars and tokens that the ledger has for it."""
        [sums] = await self.all_booked([counter], tenant_id)
        return sums

    async def all_booked(self, counters: Sequence[Counter], tenant_id: str) -> list[tuple[int, int]]:
        """What the ledger has for each, all at one moment."""
        rows = await self.pool.fetch(
            "SELECT coalesce(sum(cost_micros), 0)::bigint, coalesce(sum(input_tokens + output_tokens), 0)::bigint"
            " FROM unnest($2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[])"
            " WITH ORDINALITY AS b (scope, subject, starts, ends, at)"
            " LEFT JOIN llm_calls ON tenant_id = $1 AND started_at >= b.starts AND started_at < b.ends"
            " AND CASE b.scope WHEN 'tenant' THEN true WHEN 'key' THEN key_id = b.subject ELSE run_id = b.subject END"
            " GROUP BY b.at ORDER BY b.at",
            tenant_id,
            *([getattr(counter, name) for counter in counters] for name in ("scope", "subject", "start", "end")),
        )
        return [(row[0], row[1]) for row in rows]

    async def costs(self, tenants: list[str]) -> tuple[dict[str, int], dict[str, int]]:
        """Micro-dollars by request id: of the calls that are `ok`, and of all."""
        rows = await self.pool.fetch(
            "SELECT request_id, coalesce(sum(cost_micros) FILTER (WHERE status = 'ok'), 0)::bigint AS ok, sum(cost_micros)::bigint AS all"
            " FROM llm_calls WHERE tenant_id = ANY ($1) GROUP BY request_id",
            tenants,
        )
        return {row["request_id"]: row["ok"] for row in rows}, {row["request_id"]: row["all"] for row in rows}

    async def forget(self) -> None:
        """As a Redis that starts empty."""
        keys = [key async for key in self.redis.scan_iter(f"{self.prefix}:*")]
        if keys:
            await self.redis.delete(*keys)


@pytest.fixture
async def real(open_effects: OpenEffects, servers: Servers) -> AsyncIterator[Real]:
    """Counters and ledger of one service, which nobody has used before."""
    pool = (await open_effects("rag")).pool
    connections = redis.BlockingConnectionPool.from_url(servers.redis, max_connections=16, timeout=20)
    async with redis.Redis(connection_pool=connections) as client:
        yield Real(client, pool, uuid4().hex)


def a_call(tenant_id: str, micros: int | None = 10, tokens: int = 10, **caller: Any) -> Call:
    """A call of a tenant that may cost so much."""
    call_id = new_id()
    who = Caller(request_id=caller.pop("request_id", str(call_id)), tenant_id=tenant_id, **caller)
    return Call(call_id, who, "openai", "gpt-5-mini", NOW, Charge(tokens, 0, micros))


def ended(micros: int | None, tokens: int, status: CallStatus = CallStatus.OK) -> Outcome:
    """The end of a call that cost so much."""
    return Outcome(status, Charge(tokens, 0, micros), exact=True, settled_at=NOW, duration_ms=5)
