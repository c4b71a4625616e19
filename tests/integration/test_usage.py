"""Budgets and usage over HTTP, on a real database."""

from dataclasses import dataclass, replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from kit.clock import FakeClock
from kit.gateway.accounts import Accounts
from kit.gateway.budget import Budget, BudgetScope, Window
from kit.gateway.caps import BudgetSettings, DefaultCaps
from kit.gateway.ledger import CallStatus
from kit.ports.llm import Caller, Purpose
from services.rag.api import problems, usage
from services.rag.api.middleware import Observed
from services.rag.authenticate import Authenticator
from services.rag.principal import Principal, Scope
from services.rag.usage import CACHED_S, Budgets, StoredCaps, Usage
from tests.integration.budgets import NOW, Real, a_call, ended, real

__all__ = ["real"]


@dataclass(frozen=True)
class Owner:
    """Everybody's key is the name of their tenant; `root` may see all tenants."""

    async def owner(self, token: str) -> Principal:
        """Of the tenant that the token names."""
        scopes = {Scope.USAGE_READ, Scope.BUDGETS_WRITE} | ({Scope.TENANTS_ADMIN} if token == "root" else set())
        return Principal(token, f"key-of-{token}", frozenset(scopes - ({Scope.BUDGETS_WRITE} if token.startswith("reader") else set())))


@dataclass(frozen=True)
class Service:
    """The routes over a database, at a time that stands still."""

    real: Real
    clock: FakeClock
    app: FastAPI
    tenant: str

    def http(self, tenant: str | None = None) -> httpx.AsyncClient:
        """Of somebody of that tenant."""
        headers = {"authorization": f"Bearer {tenant or self.tenant}"}
        return httpx.AsyncClient(transport=httpx.ASGITransport(self._served), base_url="http://rag", headers=headers)

    async def put(self, path: str, body: dict[str, Any], tenant: str | None = None) -> httpx.Response:
        """Sets a budget."""
        async with self.http(tenant) as http:
            return await http.put(f"/budgets/{path}", json=body)

    async def get(self, path: str, tenant: str | None = None, **query: str) -> Any:
        """The answer's JSON."""
        async with self.http(tenant) as http:
            return (await http.get(path, params=query)).json()

    async def _served(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        pool = self.real.pool
        parts = SimpleNamespace(
            budgets=Budgets(pool, self.clock), usage=Usage(pool), clock=self.clock, authenticator=Authenticator(Owner(), required=True)
        )
        await self.app({**scope, "state": {"parts": parts}}, receive, send)


@pytest.fixture
async def service(real: Real) -> Service:
    """With no calls of its tenant."""
    app = FastAPI()
    problems.add_problem_handlers(app)
    app.include_router(usage.router)
    app.add_middleware(Observed)
    return Service(real, FakeClock(NOW), app, f"t-{uuid4().hex}")


async def test_a_budget_is_set_read_and_removed(service: Service) -> None:
    """It tells what is spent already."""
    place = f"tenant/{service.tenant}/day"
    await service.real.accounts().open(a_call(service.tenant, 250_000, 9))

    assert (await service.put(place, {"usd": 1.5})).json() == await service.get(f"/budgets/{place}")
    assert await service.get(f"/budgets/{place}") == {
        "scope": "tenant",
        "subject": service.tenant,
        "window": "day",
        "usd": 1.5,
        "tokens": None,
        "spent_usd": 0.25,
        "spent_tokens": 9,
        "ends_at": "2026-05-06T00:00:00Z",
    }
    async with service.http() as http:
        assert (await http.delete(f"/budgets/{place}")).status_code == 204
        assert (await http.delete(f"/budgets/{place}")).json()["code"] == "budget_unknown"


@pytest.mark.parametrize("body", [{}, {"usd": -1}, {"tokens": 1.5}, {"usd": "much"}, {"usd": 1e12}, {"usd": 1, "euro": 1}])
async def test_a_budget_that_says_nothing_or_nonsense_is_refused(service: Service, body: dict[str, Any]) -> None:
    """Before anything is written."""
    refused = await service.put(f"tenant/{service.tenant}/day", body)

    assert (refused.status_code, refused.json()["code"]) == (422, "request_invalid")


async def test_budgets_of_another_tenant_are_out_of_reach(service: Service) -> None:
    """Except for who may manage all tenants."""
    place = f"tenant/{service.tenant}/day"

    assert (await service.put(place, {"usd": 1}, tenant="mallory")).json()["code"] == "scope_missing"
    assert (await service.put(place, {"usd": 1}, tenant=f"reader-{service.tenant}")).json()["code"] == "scope_missing"
    assert (await service.put(place, {"usd": 1}, tenant="root")).status_code == 200


async def test_who_changed_a_budget_is_in_the_audit_trail(service: Service) -> None:
    """Set and removed."""
    await service.put("run/r-1/total", {"tokens": 7})
    async with service.http() as http:
        await http.delete("/budgets/run/r-1/total")

    rows = await service.real.pool.fetch(
        "SELECT action, subject, actor, detail FROM audit WHERE tenant_id = $1 ORDER BY id", service.tenant
    )

    assert [tuple(row) for row in rows] == [
        ("budget.set", "run/r-1/total", f"key-of-{service.tenant}", {"micros": None, "tokens": 7}),
        ("budget.removed", "run/r-1/total", f"key-of-{service.tenant}", {}),
    ]


async def test_a_set_budget_goes_before_that_of_the_settings(service: Service) -> None:
    """In its window, and everywhere after five seconds."""
    settings = BudgetSettings.model_validate({"tenant": {"day": {"usd": 1}, "total": {"usd": 9}}, "key": {"day": {"tokens": 5}}})
    caps, who = StoredCaps(service.real.pool, DefaultCaps(settings), service.clock), Caller(tenant_id=service.tenant, key_id="k")
    before = await caps.of(who)
    await service.put(f"tenant/{service.tenant}/day", {"tokens": 3})
    await service.put("run/k/day", {"tokens": 3})
    assert await caps.of(who) == before

    service.clock.time += timedelta(seconds=CACHED_S)

    assert set(await caps.of(who)) == {
        Budget(BudgetScope.TENANT, service.tenant, Window.DAY, None, 3),
        Budget(BudgetScope.TENANT, service.tenant, Window.TOTAL, 9_000_000),
        Budget(BudgetScope.KEY, "k", Window.DAY, None, 5),
    }


@pytest.fixture
async def spent(service: Service) -> Service:
    """Two calls today, one of them still unknown, and one yesterday that failed."""
    accounts: Accounts = service.real.accounts()
    today, judged = a_call(service.tenant, 500, 50), a_call(service.tenant, 800, 80, purpose=Purpose.JUDGE)
    yesterday = replace(a_call(service.tenant, 900, 90), started_at=NOW - timedelta(days=1))
    await accounts.close(await accounts.open(today), ended(120, 12))
    await accounts.open(judged)
    await accounts.close(await accounts.open(yesterday), ended(0, 0, CallStatus.FAILED))
    return service


async def test_usage_is_the_sum_of_the_ledger(spent: Service) -> None:
    """By whatever is asked for; a call that nobody saw the end of counts in full."""
    found = await spent.get("/usage", by="day,purpose", **{"from": "2026-05-01", "to": "2026-05-06"})

    assert [(row["group"], row["calls"], row["failed"], row["unknown"], row["cost_usd"]) for row in found["rows"]] == [
        ({"day": "2026-05-04", "purpose": "answer"}, 1, 1, 0, 0.0),
        ({"day": "2026-05-05", "purpose": "answer"}, 1, 0, 0, 0.00012),
        ({"day": "2026-05-05", "purpose": "judge"}, 1, 0, 1, 0.0008),
    ]
    assert (found["total"]["calls"], found["total"]["input_tokens"], found["total"]["cost_usd"]) == (3, 92, 0.00092)
    assert (found["start"], found["end"], found["by"]) == ("2026-05-01T00:00:00Z", "2026-05-06T00:00:00Z", ["day", "purpose"])


async def test_usage_of_other_tenants_is_out_of_reach(spent: Service) -> None:
    """Except for who may manage all tenants."""
    span = {"by": "tenant", "from": "2026-05-01", "to": "2026-05-06"}
    tenants = [row["group"]["tenant"] for row in (await spent.get("/usage", tenant="root", **span))["rows"]]

    assert (await spent.get("/usage", tenant="mallory", **span))["rows"] == []
    assert spent.tenant in tenants


@pytest.mark.parametrize(
    "query", [{"by": "colour"}, {"by": ""}, {"from": "soon"}, {"from": "2026-05-02", "to": "2026-05-02"}, {"to": "0001-01-01"}]
)
async def test_a_question_that_makes_no_sense_is_refused(service: Service, query: dict[str, str]) -> None:
    """It says what is wrong with it; a time before there were any calls is only empty."""
    found = await service.get("/usage", **query)

    assert found.get("code") == "request_invalid" or found["rows"] == []
