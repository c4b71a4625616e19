"""What happens to calls while Redis or the ledger is away."""

from dataclasses import replace

import pytest

from kit.errors import DependencyDown, Permanent
from kit.gateway.budget import Budget, BudgetScope, Window
from kit.gateway.caps import WhenDown
from kit.gateway.ledger import CallStatus
from kit.ports.llm import TokenUsage
from tests.unit.gateway.books import ASKED, RESERVED, Books, billing

MICROS = RESERVED.micros or 0
BILLED = billing(TokenUsage(40, 9, 0.0001))


async def test_without_redis_no_call_with_a_budget_is_made() -> None:
    """Nobody knows whether there is room for it."""
    books = Books(["Yes."])
    books.counters.down = True

    with pytest.raises(DependencyDown) as raised:
        await books.llm.complete(ASKED)

    assert raised.value.code == "budget_unavailable"
    assert (books.scripted.requests, books.ledger.entries) == ([], {})


async def test_without_redis_a_call_without_a_budget_is_made() -> None:
    """It does not need it."""
    books = Books(["Yes."], cap=None, wrapped=BILLED)
    books.counters.down = True
    await books.llm.complete(ASKED)

    assert books.entry.charge.micros == 100


async def test_calls_that_were_let_through_count_when_redis_is_back() -> None:
    """Its old counter, with room for a call, is wrong by then."""
    books = Books(["Yes."], cap=MICROS + 150, when_down=WhenDown.FAIL_OPEN, wrapped=BILLED)
    await books.llm.complete(ASKED)
    books.counters.down = True
    await books.llm.complete(ASKED)
    books.counters.down = False

    with pytest.raises(Permanent, match=r"\$0.000200 is spent"):
        await books.llm.complete(ASKED)


async def test_a_call_that_ends_without_redis_is_settled_in_the_ledger() -> None:
    """The counter, which has all of its reservation, is counted anew before the next call."""
    books = Books(["Yes."], cap=MICROS + 150, wrapped=BILLED)
    async for _ in books.llm.stream(ASKED):
        books.counters.down = True
    books.counters.down = False

    await books.llm.complete(ASKED)

    assert books.spent == (200, 98)


async def test_an_answer_is_not_lost_with_the_ledger() -> None:
    """What was paid for is handed on; the books keep its reservation."""
    books = Books(["Yes."], wrapped=BILLED)
    async for _ in books.llm.stream(ASKED):
        books.ledger.down = True

    assert (books.entry.status, books.entry.charge) == (CallStatus.UNKNOWN, RESERVED)
    [tally] = books.counters.tallies.values()
    assert (tally.micros, tally.tokens) == (RESERVED.micros, RESERVED.tokens)


async def test_without_the_ledger_no_call_is_made() -> None:
    """Nobody would know of it."""
    books = Books(["Yes."], cap=None)
    books.ledger.down = True

    with pytest.raises(DependencyDown):
        await books.llm.complete(ASKED)

    assert books.scripted.requests == []


async def test_nobody_is_refused_by_a_counter_that_is_wrong() -> None:
    """A process died after it had reserved; its reservation is given back when the counters are counted anew."""
    books = Books(["Yes."], cap=MICROS, wrapped=BILLED)
    await books.llm.complete(replace(ASKED, max_tokens=1))
    [tally] = books.counters.tallies.values()
    tally.micros += MICROS
    books.cap = MICROS + 100
    with pytest.raises(Permanent):
        await books.llm.complete(ASKED)

    await books.meter.accounts.recount_all()
    await books.llm.complete(ASKED)

    assert books.spent == (200, 98)


def test_a_budget_names_the_counter_of_its_time() -> None:
    """By which Redis and the ledger know it."""
    budget, at = Budget(BudgetScope.KEY, "k", Window.MONTH), Books([]).meter.clock.now()

    assert budget.counter(at).name == "key:k:month:2026-01-01"
