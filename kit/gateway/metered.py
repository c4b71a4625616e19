"""Every try of a model goes on an account: paid from budgets, and written into the ledger."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

import structlog

from kit.clock import Clock
from kit.errors import WorkbenchError
from kit.gateway.accounts import Account, Accounts
from kit.gateway.billed import may_be_billed
from kit.gateway.budget import MICROS, NOTHING, Charge, micros_of
from kit.gateway.ledger import Call, CallStatus, Outcome
from kit.gateway.price import Prices
from kit.gateway.tokens import input_bound
from kit.ids import IdSource
from kit.ports.llm import Completion, CompletionRequest, LLMClient
from kit.tracing import current_trace_id

log = structlog.get_logger(__name__)

T = TypeVar("T")
CANCELLED = "cancelled"
# Longer texts are counted in a thread: this many take about a millisecond.
_COUNTED_AT_ONCE = 20_000


@dataclass(frozen=True, slots=True)
class Meter:
    """What metering needs, the same for all models; `count` gives the tokens of a text in `o200k_base`."""

    accounts: Accounts
    prices: Prices
    count: Callable[[str], int]
    clock: Clock
    ids: IdSource
    keep_content: bool = False


class Metered:
    """`LLMClient` around one provider's client: below retries and repairs, since each of its calls has a reservation of its own.

    Raises also what `Accounts.open` does. A call that was cancelled, timed out or cut off stays spent in full, since nobody knows what was
    billed; so does one whose server does not count tokens. One that was refused, or that never reached the provider, costs nothing.
    """

    def __init__(self, inner: LLMClient, meter: Meter) -> None:
        self.provider, self.model = inner.provider, inner.model
        self._inner = inner
        self._meter = meter

    async def complete(self, request: CompletionRequest) -> Completion:
        async with self._call(request) as call:
            return call.completed(await self._inner.complete(request))

    async def stream(self, request: CompletionRequest) -> AsyncGenerator[str | Completion, None]:
        async with self._call(request) as call, aclosing(self._inner.stream(request)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Completion):
                    call.completed(piece)
                else:
                    call.began()
                    yield piece
        if call.completion:
            yield call.completion

    @asynccontextmanager
    async def _call(self, request: CompletionRequest) -> AsyncIterator["_MeteredCall"]:
        call = _MeteredCall(self._meter, await self._asked(request))
        try:
            await uninterrupted(call.open())
            yield call.sent()
        except WorkbenchError as error:
            call.failed(error)
            raise
        finally:
            await uninterrupted(call.close())

    async def _asked(self, request: CompletionRequest) -> Call:
        meter, caller = self._meter, request.caller
        call_id, reads = meter.ids(), await self._input_bound(request)
        reserved = Charge(reads, request.max_tokens, meter.prices.of(self.provider, self.model, reads, request.max_tokens))
        return Call(
            call_id=call_id,
            caller=replace(caller, request_id=caller.request_id or str(call_id)),
            provider=self.provider,
            model=self.model,
            started_at=meter.clock.now(),
            reserved=reserved,
            trace_id=current_trace_id(),
            messages=request.messages if meter.keep_content else None,
        )

    async def _input_bound(self, request: CompletionRequest) -> int:
        arguments = (self.provider, self.model, request, self._meter.count)
        if sum(len(message.content) for message in request.messages) <= _COUNTED_AT_ONCE:
            return input_bound(*arguments)
        return await asyncio.to_thread(input_bound, *arguments)


class _MeteredCall:
    """One call: as long as nobody says otherwise, its end is unknown and its reservation spent."""

    def __init__(self, meter: Meter, call: Call) -> None:
        self.completion: Completion | None = None
        self._meter = meter
        self._call = call
        self._account: Account | None = None
        self._began = meter.clock.monotonic()
        self._first_ms: float | None = None
        self._status, self._charge, self._exact = CallStatus.CANCELLED, NOTHING, True
        self._error_code: str | None = CANCELLED

    async def open(self) -> None:
        self._account = await self._meter.accounts.open(self._call)

    def sent(self) -> "_MeteredCall":
        self._status, self._charge, self._exact = CallStatus.UNKNOWN, self._call.reserved, False
        return self

    def began(self) -> None:
        self._first_ms = self._elapsed_ms() if self._first_ms is None else self._first_ms

    def failed(self, error: WorkbenchError) -> None:
        self._error_code = error.code
        if self._first_ms is None and not may_be_billed(error):
            self._status, self._charge, self._exact = CallStatus.FAILED, NOTHING, True

    def completed(self, completion: Completion) -> Completion:
        """Gives the completion with the price that is taken for it."""
        self._status, self._error_code = CallStatus.OK, None
        if completion.replayed:
            self._charge, self._exact = NOTHING, True
        elif not completion.usage.estimated:
            completion = self._priced(completion)
        self.completion = completion
        return completion

    def _priced(self, completion: Completion) -> Completion:
        call, usage = self._call, completion.usage
        micros = self._meter.prices.billed(call.provider, call.model, usage)
        self._charge, self._exact = Charge(usage.input_tokens, usage.output_tokens, micros), True
        if self._charge.tokens > call.reserved.tokens or (micros or 0) > (call.reserved.micros or 0):
            log.error("budget.reserved_too_little", call_id=str(call.call_id), provider=call.provider, model=call.model)
        if micros is None or (usage.cost_usd is not None and micros_of(usage.cost_usd) == micros):
            return completion
        return replace(completion, usage=replace(usage, cost_usd=micros / MICROS))

    async def close(self) -> None:
        if self._account is not None:
            await self._meter.accounts.close(self._account, self._outcome(self._meter.clock.now()))

    def _outcome(self, now: datetime) -> Outcome:
        return Outcome(
            status=self._status,
            charge=self._charge,
            exact=self._exact,
            settled_at=now,
            duration_ms=self._elapsed_ms(),
            first_token_ms=self._first_ms,
            error_code=self._error_code,
            provider_request_id=self.completion.provider_request_id if self.completion else None,
            answer=self.completion.text if self.completion and self._meter.keep_content else None,
        )

    def _elapsed_ms(self) -> float:
        return (self._meter.clock.monotonic() - self._began) * 1000


async def uninterrupted(work: Coroutine[Any, Any, T]) -> T:
    """Does all of `work`, even if whoever waits for it is cancelled, which then takes effect afterwards."""
    task, cancelled = asyncio.create_task(work), None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        task.exception()
        raise cancelled
    return task.result()
