"""What a call costs its budgets and what the ledger says of it, however the call ends."""

import asyncio
from contextlib import aclosing

import httpx2
import pytest

from kit.errors import DependencyDown, Permanent, Transient, WorkbenchError
from kit.fakes.llm import Broken, Line
from kit.gateway.budget import Charge
from kit.gateway.ledger import CallStatus
from kit.gateway.metered import uninterrupted
from kit.gateway.price import Prices
from kit.ports.llm import Completion, FinishReason, TokenUsage
from tests.unit.gateway.books import ASKED, RESERVED, Books, billing

TIMEOUT = DependencyDown("llm_timeout", "too late")
LIMITED = Transient("llm_rate_limited", "send less")


async def test_a_call_costs_what_was_billed() -> None:
    """And the ledger tells the rest of it."""
    books = Books(["Within 14 days."], wrapped=billing(TokenUsage(40, 9, 0.0001254)))

    completion = await books.llm.complete(ASKED)

    call, outcome = books.entry.call, books.entry.outcome
    assert (completion.text, completion.finish_reason) == ("Within 14 days.", FinishReason.STOP)
    assert books.spent == (126, 49)
    assert (call.caller, call.provider, call.model, call.reserved, call.messages) == (ASKED.caller, "scripted", "script", RESERVED, None)
    assert outcome is not None
    assert (outcome.status, outcome.exact, outcome.error_code, outcome.provider_request_id, outcome.answer) == (
        *(CallStatus.OK, True, None, "scripted-1"),
        None,
    )


async def test_a_stream_costs_what_its_end_says() -> None:
    """The account is closed before the completion is handed on."""
    books = Books(["Within 14 days."], wrapped=billing(TokenUsage(40, 9, 0.0001)))

    async for piece in books.llm.stream(ASKED):
        if isinstance(piece, Completion):
            assert books.entry.status is CallStatus.OK

    assert books.spent == (100, 49)
    assert books.entry.outcome is not None
    assert books.entry.outcome.first_token_ms is not None


@pytest.mark.parametrize(
    ("line", "status", "charge"),
    [
        (LIMITED, CallStatus.FAILED, Charge(0, 0, 0)),
        (Permanent("llm_request_refused", "change it"), CallStatus.FAILED, Charge(0, 0, 0)),
        (TIMEOUT, CallStatus.UNKNOWN, RESERVED),
        (Transient("llm_answer_cut", "ask again"), CallStatus.UNKNOWN, RESERVED),
        (Broken("Within", LIMITED), CallStatus.UNKNOWN, RESERVED),
    ],
)
async def test_a_failed_call_costs_nothing_if_nothing_can_have_been_billed(line: Line, status: CallStatus, charge: Charge) -> None:
    """Or else everything; whatever an error says after the first piece, something was written."""
    books = Books([line])
    error = line.error if isinstance(line, Broken) else line
    assert isinstance(error, WorkbenchError)

    with pytest.raises(type(error)):
        [_ async for _ in books.llm.stream(ASKED)]

    assert (books.entry.status, books.entry.charge, books.spent) == (status, charge, (charge.micros, charge.tokens))
    assert books.entry.outcome is not None
    assert books.entry.outcome.error_code == error.code


@pytest.mark.parametrize(
    ("cause", "status"), [(httpx2.ConnectError("no"), CallStatus.FAILED), (httpx2.ReadError("cut"), CallStatus.UNKNOWN)]
)
async def test_a_server_that_was_never_reached_bills_nothing(cause: Exception, status: CallStatus) -> None:
    """One whose connection broke may have worked on."""
    error = DependencyDown("llm_unreachable", "check it")
    error.__cause__ = cause
    books = Books([error])

    with pytest.raises(DependencyDown):
        await books.llm.complete(ASKED)

    assert books.entry.status is status


async def test_a_call_cancelled_half_way_stays_spent() -> None:
    """The provider may have written on."""
    books = Books(["Within 14 days."])
    calling = asyncio.create_task(books.llm.complete(ASKED))
    while not books.scripted.requests:
        await asyncio.sleep(0)
    calling.cancel()

    with pytest.raises(asyncio.CancelledError):
        await calling

    assert (books.entry.status, books.spent) == (CallStatus.UNKNOWN, (RESERVED.micros, RESERVED.tokens))


async def test_a_stream_that_nobody_reads_to_its_end_stays_spent() -> None:
    """The reader went away; the provider's call ends with it."""
    books = Books(["Within 14 days."])

    async with aclosing(books.llm.stream(ASKED)) as pieces:
        await anext(pieces)

    assert (books.entry.status, books.spent[0], books.scripted.abandoned) == (CallStatus.UNKNOWN, RESERVED.micros, 1)


async def test_a_call_cancelled_before_it_is_made_costs_nothing() -> None:
    """The reservation is finished first, then given back."""
    books = Books(["Within 14 days."])
    calling = asyncio.create_task(books.llm.complete(ASKED))
    await asyncio.sleep(0)
    calling.cancel()

    with pytest.raises(asyncio.CancelledError):
        await calling

    assert (books.entry.status, books.spent, books.scripted.requests) == (CallStatus.CANCELLED, (0, 0), [])


async def test_what_no_budget_has_room_for_is_not_asked() -> None:
    """Two calls fit; the third reaches neither the model nor the ledger."""
    books = Books(["Within 14 days."], cap=2 * (RESERVED.micros or 0), wrapped=billing(TokenUsage(558, 100, 0.001616)))
    for _ in range(2):
        await books.llm.complete(ASKED)

    with pytest.raises(Permanent) as raised:
        await books.llm.complete(ASKED)

    assert raised.value.code == "budget_exceeded"
    assert (len(books.scripted.requests), len(books.ledger.entries)) == (2, 2)


async def test_a_model_without_a_price_cannot_go_on_a_budget_in_dollars() -> None:
    """The error says what to set; without such a budget the call is made, and its cost not known."""
    unpriced = {"prices": Prices(lambda *_: None)}
    with pytest.raises(Permanent, match=r'BUDGETS__PRICES=\'{"scripted/script"') as raised:
        await Books(["Yes."], changes=unpriced).llm.complete(ASKED)

    assert raised.value.code == "price_unknown"
    books = Books(["Yes."], cap=None, changes=unpriced, wrapped=billing(TokenUsage(1, 1, None)))
    assert (await books.llm.complete(ASKED)).usage.cost_usd is None
    assert books.entry.charge == Charge(1, 1, None)


async def test_tokens_that_nobody_counted_cost_the_whole_reservation() -> None:
    """A server that sends no usage may bill anything up to it."""
    books = Books(["Yes."], wrapped=billing(TokenUsage(1, 1, 0.000001, estimated=True)))
    await books.llm.complete(ASKED)

    assert (books.entry.status, books.entry.charge, books.spent[0]) == (CallStatus.OK, RESERVED, RESERVED.micros)


async def test_a_replayed_answer_costs_nothing() -> None:
    """It comes from a cassette."""
    books = Books(["Yes."], wrapped=billing(TokenUsage(10, 10, 0.0), replayed=True))
    await books.llm.complete(ASKED)

    assert books.spent == (0, 0)


async def test_content_is_kept_only_where_that_is_wanted() -> None:
    """Question and answer."""
    books = Books(["Yes."], changes={"keep_content": True})
    await books.llm.complete(ASKED)

    assert books.entry.call.messages == ASKED.messages
    assert books.entry.outcome is not None
    assert books.entry.outcome.answer == "Yes."


async def test_work_goes_on_when_whoever_waits_for_it_is_cancelled() -> None:
    """Twice, even; then the cancellation has its effect, and an error of the work is not lost on the loop."""
    done = asyncio.Event()

    async def work() -> None:
        await asyncio.sleep(0.01)
        done.set()
        raise LIMITED

    waiting = asyncio.create_task(uninterrupted(work()))
    for _ in range(2):
        await asyncio.sleep(0)
        waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert done.is_set()
