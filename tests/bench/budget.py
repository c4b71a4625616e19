"""How long a budget takes: a call's reservation and its settlement, beside the bare round trips to the same servers."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import uuid4

import asyncpg
import redis.asyncio as redis
from pydantic import SecretStr

from kit.gateway.accounts import Accounts
from kit.gateway.budget import Budget, BudgetScope, Charge, Window
from kit.gateway.counters import Held, RedisCounters, Reservation
from kit.gateway.ledger import Call, CallStatus, Outcome, PostgresLedger
from kit.ids import new_id
from kit.migrations import migrate
from kit.ports.llm import Caller
from kit.postgres import open_pool
from kit.settings import PostgresSettings
from tests.bench.load import percentiles
from tests.bench.report import Figure, MeasurementFailed, Peer
from tests.bench.workspace import Workspace
from workbench.stack.servers import running_servers

CALLS = {1: 1_000, 16: 3_000}
WARM_UP = 100
NOW = datetime(2026, 5, 5, tzinfo=UTC)
RESERVED, SETTLED = Charge(500, 100, 1_000), Charge(400, 20, 300)
WHO = Caller("bench", "bench", "key", "run")

Work = Callable[[], Awaitable[object]]


@dataclass(frozen=True)
class Plenty:
    """Three budgets, of tenant, key and run, that never run out."""

    budgets = tuple(
        Budget(scope, subject, Window.DAY, 10**12, 10**12)
        for scope, subject in ((BudgetScope.TENANT, WHO.tenant_id), (BudgetScope.KEY, "key"), (BudgetScope.RUN, "run"))
    )

    async def of(self, caller: Caller) -> tuple[Budget, ...]:
        """All."""
        return self.budgets


@dataclass(frozen=True)
class Bench:
    """The servers of a bench."""

    client: "redis.Redis"
    pool: asyncpg.Pool
    accounts: Accounts

    async def script(self) -> None:
        """Reserves and settles in Redis alone."""
        call_id, limits = new_id(), {budget.counter(NOW): budget for budget in Plenty.budgets}
        reply = await self.accounts.counters.reserve(Reservation(call_id, WHO.tenant_id, RESERVED, limits), {})
        if not isinstance(reply, Held):
            raise MeasurementFailed(f"a call was not reserved: {reply}")
        await self.accounts.counters.settle(WHO.tenant_id, call_id, SETTLED, reply.epochs)

    async def account(self) -> None:
        """Opens and closes an account: Redis and the ledger."""
        call_id = new_id()
        who = replace(WHO, request_id=str(call_id))
        account = await self.accounts.open(Call(call_id, who, "openai", "gpt-5-mini", NOW, RESERVED))
        await self.accounts.close(account, Outcome(CallStatus.OK, SETTLED, exact=True, settled_at=NOW, duration_ms=1))

    async def pings(self) -> None:
        """As many bare round trips to Redis as the script needs."""
        await self.client.ping()
        await self.client.ping()

    async def inserts(self) -> None:
        """As many bare round trips as an account needs, of which Postgres commits two."""
        await self.pings()
        row = await self.pool.fetchval("INSERT INTO raw (value) VALUES ('value') RETURNING id")
        await self.pool.execute("UPDATE raw SET value = 'other' WHERE id = $1", row)


async def measure(workspace: Workspace) -> list[Figure]:
    """Microseconds a call, one after another and sixteen at a time, on three budgets."""
    async with _bench(workspace) as bench:
        figures = []
        for at_once in CALLS:
            workspace.tell(f"{CALLS[at_once]} calls, {at_once} at a time")
            figures += [
                await _figure("budget script", "2 PING", at_once, bench.script, bench.pings),
                await _figure("budget and ledger", "2 PING, INSERT, UPDATE", at_once, bench.account, bench.inserts),
            ]
        return figures


@asynccontextmanager
async def _bench(workspace: Workspace) -> AsyncIterator[Bench]:
    with running_servers(workspace.new_folder("budget")) as servers:
        settings = PostgresSettings(dsn=SecretStr(servers.dsn("rag")))
        async with open_pool(settings, "rag") as pool, redis.from_url(servers.redis) as client:
            await migrate(pool, "rag")
            await pool.execute("CREATE TABLE raw (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, value text)")
            bench = Bench(client, pool, Accounts(RedisCounters(client, uuid4().hex), PostgresLedger(pool), Plenty()))
            await bench.account()
            yield bench


async def _figure(name: str, peer: str, at_once: int, ours: Work, raw: Work) -> Figure:
    """Ours and the peer's in turns, so that both meet the same machine."""
    taken: dict[Work, list[float]] = {ours: [], raw: []}
    for work in (ours, raw):
        await _run(work, WARM_UP, at_once)
    for _ in range(4):
        for work, times in taken.items():
            times += await _run(work, CALLS[at_once] // 4, at_once)
    measured = percentiles(taken[ours])
    return Figure(f"{name} x{at_once}", "µs", measured, CALLS[at_once], "calls", Peer(peer, percentiles(taken[raw])["p50"]))


async def _run(work: Work, count: int, at_once: int) -> list[float]:
    waiting, times = iter(range(count)), []

    async def client() -> None:
        for _ in waiting:
            began = time.perf_counter()
            await work()
            times.append((time.perf_counter() - began) * 1e6)

    await asyncio.gather(*(client() for _ in range(at_once)))
    return times
