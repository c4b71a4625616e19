"""Budgets on real servers: what is reserved, settled, refused and restored."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from kit.errors import Permanent
from kit.gateway.accounts import Account, Accounts
from kit.gateway.budget import NOTHING, Budget, BudgetScope, Window
from kit.gateway.counters import Reservation
from kit.gateway.ledger import CallStatus
from kit.ports.llm import Message, Role
from tests.integration.budgets import NOW, Real, a_call, ended, real

__all__ = ["real"]


@pytest.fixture
def tenant() -> str:
    """Of nobody else."""
    return f"t-{uuid4().hex}"


@pytest.fixture
def daily(tenant: str) -> Budget:
    """A hundred micro-dollars a day."""
    return Budget(BudgetScope.TENANT, tenant, Window.DAY, 100)


async def refused(accounts: Accounts, tenant: str, micros: int) -> bool:
    """Whether there is no room for a call of so many micro-dollars."""
    try:
        await accounts.open(a_call(tenant, micros))
    except Permanent as error:
        return error.code in ("budget_exceeded", "budget_spent")
    return False


async def test_reserving_and_settling_twice_count_once(real: Real, tenant: str, daily: Budget) -> None:
    """A step whose answer got lost is simply repeated."""
    accounts, call, counter = real.accounts(daily), a_call(tenant, 60, 600), daily.counter(NOW)
    account = await accounts.open(call)
    assert await accounts.open(call) == account
    assert await real.counted(counter, tenant) == await real.booked(counter, tenant) == (60, 600)

    for _ in range(2):
        await accounts.close(account, ended(20, 200))

    assert await real.counted(counter, tenant) == await real.booked(counter, tenant) == (20, 200)


async def test_what_is_refused_by_one_budget_is_reserved_in_none(real: Real, tenant: str, daily: Budget) -> None:
    """The key's budget has no room; the tenant's stays as it was, and the ledger says nothing."""
    key = Budget(BudgetScope.KEY, f"{tenant}-key", Window.TOTAL, None, 50)
    accounts = real.accounts(daily, key)
    await accounts.open(a_call(tenant, 1, 1, key_id=key.subject))

    with pytest.raises(Permanent, match=r"the total budget of key .* allows 50 tokens: 1 is spent or reserved.* may take 60") as raised:
        await accounts.open(a_call(tenant, 1, 60, key_id=key.subject))

    assert (raised.value.code, raised.value.after_s) == ("budget_spent", None)
    assert await real.counted(daily.counter(NOW), tenant) == await real.booked(daily.counter(NOW), tenant) == (1, 1)


async def test_a_refusal_tells_when_the_window_ends(real: Real, tenant: str, daily: Budget) -> None:
    """At midnight; then there is room again."""
    accounts, call = real.accounts(daily), a_call(tenant, 101)

    with pytest.raises(Permanent, match=r"allows \$0.000100: \$0.000000 is spent .* take \$0.000101; .* until 2026-05-06T00:00Z") as raised:
        await accounts.open(call)
    await accounts.open(a_call(tenant, 100))

    assert (raised.value.code, raised.value.after_s) == ("budget_exceeded", 12 * 3600)
    assert await refused(accounts, tenant, 1)
    await accounts.open(replace(a_call(tenant, 100), started_at=NOW + timedelta(days=1)))


async def test_a_redis_that_forgets_does_not_give_the_money_again(real: Real, tenant: str, daily: Budget) -> None:
    """Settled calls and open ones are restored from the ledger; an open one can still be settled."""
    accounts = real.accounts(daily)
    await accounts.close(await accounts.open(a_call(tenant, 50)), ended(30, 1))
    opened = await accounts.open(a_call(tenant, 60))
    await real.forget()

    assert await refused(accounts, tenant, 11)
    await accounts.close(opened, ended(5, 1))
    assert await real.counted(daily.counter(NOW), tenant) == await real.booked(daily.counter(NOW), tenant) == (35, 2)


async def test_a_call_that_ends_while_redis_has_forgotten_counts_as_settled(real: Real, tenant: str, daily: Budget) -> None:
    """Whoever counts next, counts what it did cost."""
    accounts = real.accounts(daily)
    opened = await accounts.open(a_call(tenant, 60))
    await real.forget()
    await accounts.close(opened, ended(5, 1))

    assert not await refused(accounts, tenant, 95)
    assert await refused(accounts, tenant, 1)


async def test_a_call_reserved_in_a_lost_counter_is_not_admitted(real: Real, tenant: str, daily: Budget) -> None:
    """Between reservation and ledger Redis forgot, and others counted anew: this call would be in no counter."""
    accounts, late = real.accounts(daily), a_call(tenant, 90)
    limits = {daily.counter(NOW): daily}
    await accounts.open(a_call(tenant, 1))
    held = await accounts.counters.reserve(Reservation(late.call_id, tenant, late.reserved, limits), {})
    await real.forget()
    await accounts.open(a_call(tenant, 90))

    assert not await accounts.ledger.admit(late, held.epochs)
    assert await refused(accounts, tenant, 90)


async def test_a_crash_before_the_ledger_is_put_right(real: Real, tenant: str, daily: Budget) -> None:
    """Nothing was called, so the reservation is given back; what the ledger has is never given back."""
    accounts, lost = real.accounts(daily), a_call(tenant, 60)
    await accounts.open(a_call(tenant, 30))
    await accounts.counters.reserve(Reservation(lost.call_id, tenant, lost.reserved, {daily.counter(NOW): daily}), {})
    assert await refused(accounts, tenant, 70)

    await accounts.recount_all()

    assert await refused(accounts, tenant, 71)
    assert not await refused(accounts, tenant, 70)


async def test_calls_that_no_budget_held_count_as_soon_as_one_does(real: Real, tenant: str, daily: Budget) -> None:
    """A process that does not know the budget yet spends beside one that does."""
    knows, ignorant = real.accounts(daily), real.accounts()
    await knows.open(a_call(tenant, 10))
    await ignorant.open(a_call(tenant, 50))

    assert await refused(knows, tenant, 41)
    assert await real.booked(daily.counter(NOW), tenant) == (60, 20)


async def test_budgets_of_other_tenants_are_others(real: Real, tenant: str, daily: Budget) -> None:
    """Also where a key or a run has the same name."""
    other = replace(daily, subject=f"{tenant}-other")
    run = Budget(BudgetScope.RUN, "run", Window.TOTAL, 100)
    accounts = real.accounts(daily, other, run)

    for who in (daily.subject, other.subject):
        await accounts.open(a_call(who, 100, run_id="run"))
        assert await refused(accounts, who, 1)


async def test_the_ledger_tells_a_call_from_its_beginning_to_its_end(real: Real, tenant: str) -> None:
    """Unknown until it ends; attempts are counted by request."""
    accounts, first, second = real.accounts(), a_call(tenant, None, request_id="r"), a_call(tenant, 7, request_id="r")
    await accounts.open(first)
    await accounts.open(second)
    await accounts.close(Account(second), replace(ended(0, 0, CallStatus.FAILED), charge=NOTHING, error_code="llm_failed"))

    rows = await real.pool.fetch("SELECT * FROM llm_calls WHERE tenant_id = $1 ORDER BY attempt", tenant)

    assert [(row["attempt"], row["status"], row["exact"], row["cost_micros"]) for row in rows] == [
        (1, "unknown", False, None),
        (2, "failed", True, 0),
    ]
    assert [(row["request_id"], row["settled_at"], row["error_code"]) for row in rows] == [("r", None, None), ("r", NOW, "llm_failed")]


async def test_content_that_no_database_stores_is_kept_all_the_same(real: Real, tenant: str) -> None:
    """NUL characters and half surrogates, of users and of models, cost no answer."""
    accounts, odd = real.accounts(), "a\x00b\ud800"
    account = await accounts.open(replace(a_call(tenant), messages=(Message(Role.USER, odd),)))
    await accounts.close(account, replace(ended(1, 1), answer=odd, provider_request_id=odd))

    row = await real.pool.fetchrow("SELECT * FROM llm_calls WHERE tenant_id = $1", tenant)

    assert row["messages"] == [{"role": "user", "content": "a\ufffdb?"}]
    assert row["answer"] == row["provider_request_id"] == "a\ufffdb?"
