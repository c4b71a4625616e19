"""Hard budgets: a call's worst case is reserved before it is made, and settled to what it did cost afterwards.

Why spend can never exceed a cap, whatever happens in between:

1. Redis reserves the call in all its counters, or refuses it, in one script.
2. The ledger writes the call down as `unknown` with the whole reservation. Only then is the call made, so what may have been billed is
   never above the ledger's sum. The ledger admits a call only if each counter is right: of the epoch that the ledger knows. So a counter
   that was lost, and is summed up anew under a new epoch, can miss no call: one that was reserved in the old counter is not admitted.
3. When the call ends, the ledger is settled first and the counters after it: they are never below the ledger's sum.

A process that dies between two steps leaves a counter that is too high, never one that is too low; `recount_all` puts that right. Nobody
is refused by a counter that is known to be wrong.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from weakref import WeakValueDictionary

import structlog

from kit.errors import DependencyDown, Permanent, Transient, WorkbenchError
from kit.gateway.budget import MICROS, Budget, Counter, Window
from kit.gateway.caps import Caps, WhenDown
from kit.gateway.counters import UNAVAILABLE, Base, Counters, Held, Refused, Reservation
from kit.gateway.ledger import Call, Ledger, Outcome, Register
from kit.metrics import BUDGET_REFUSALS, BUDGET_UNCHECKED

log = structlog.get_logger(__name__)

EXCEEDED = "budget_exceeded"
SPENT = "budget_spent"
CONTENDED = "budget_contended"
PRICE_UNKNOWN = "price_unknown"
_RECOUNTS = 3


@dataclass(frozen=True, slots=True)
class Account:
    """A call that may be made, and the counters that it is reserved in."""

    call: Call
    counters: tuple[str, ...] = ()


@dataclass
class Accounts:
    """Opens the account of a call before it is made, and closes it afterwards; neither must be cancelled half way."""

    counters: Counters
    ledger: Ledger
    caps: Caps
    when_down: WhenDown = WhenDown.FAIL_CLOSED
    _recounting: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    async def open(self, call: Call) -> Account:
        """Reserves what the call may cost, and writes it down.

        Raises Permanent `budget_exceeded` (the window ends in `after_s`), `budget_spent` (it never ends) or `price_unknown`;
        DependencyDown `budget_unavailable` if Redis does not answer and the policy is `fail_closed`, `postgres_down` without the ledger.
        """
        budgets = await self.caps.of(call.caller)
        _require_price(call, budgets)
        try:
            counters = await self._reserved(call, budgets) if budgets else None
        except DependencyDown as error:
            if error.code != UNAVAILABLE or self.when_down is WhenDown.FAIL_CLOSED:
                raise
            log.warning("budget.unchecked", tenant_id=call.caller.tenant_id, call_id=str(call.call_id), reason=error.message)
            BUDGET_UNCHECKED.inc()
            counters = None
        if counters is None:
            await self.ledger.admit(call, {})
        return Account(call, counters or ())

    async def close(self, account: Account, outcome: Outcome) -> None:
        """Puts what the call did cost in place of the reservation. If the ledger does not answer, all of it stays."""
        call = account.call
        try:
            epochs = await self.ledger.settle(call, outcome, account.counters)
            if epochs and not await self._settled(call, outcome, epochs):
                await self.ledger.outdate(call.caller.tenant_id, account.counters)
        except (DependencyDown, Transient) as error:
            log.warning("llm_call.unsettled", call_id=str(call.call_id), status=outcome.status, reason=error.message)

    async def recount_all(self) -> None:
        """Has every counter summed up from the ledger before its next call: puts right what crashes, or a Redis that lost writes, left."""
        await self.ledger.outdate()

    async def _settled(self, call: Call, outcome: Outcome, epochs: Mapping[str, int]) -> bool:
        try:
            return await self.counters.settle(call.caller.tenant_id, call.call_id, outcome.charge, epochs)
        except DependencyDown as error:
            log.warning("budget.unsettled", call_id=str(call.call_id), reason=error.message)
            return False

    async def _reserved(self, call: Call, budgets: Sequence[Budget]) -> tuple[str, ...]:
        limits = {budget.counter(call.started_at): budget for budget in budgets}
        wanted = Reservation(call.call_id, call.caller.tenant_id, call.reserved, limits)
        verdict = await self._admitted(call, wanted, self.ledger)
        if isinstance(verdict, Wrong):
            verdict = await self._recounted(call, wanted)
        if isinstance(verdict, Refused):
            raise _refusal(call, wanted.limits[verdict.counter], verdict)
        return tuple(counter.name for counter in limits)

    async def _recounted(self, call: Call, wanted: Reservation) -> "Verdict":
        """Counts wrong counters anew; all others who want to wait here, and find them right."""
        async with self._recounting.setdefault(wanted.tenant_id, asyncio.Lock()), self.ledger.recount(wanted.tenant_id) as ledger:
            verdict = await self._admitted(call, wanted, ledger)
            for _ in range(_RECOUNTS):
                if not isinstance(verdict, Wrong):
                    return verdict
                verdict = await self._admitted(call, wanted, ledger, await ledger.bases(verdict.seen))
        raise Transient(CONTENDED, "the counters of budgets get lost as fast as they are restored; look after Redis, and try again")

    async def _admitted(
        self, call: Call, wanted: Reservation, ledger: Register, bases: Mapping[str, Base] = MappingProxyType({})
    ) -> "Verdict":
        """Reserves the call and writes it down, if all counters are right and have room."""
        reply = await self.counters.reserve(wanted, bases)
        if isinstance(reply, Held) and await ledger.admit(call, reply.epochs):
            return reply
        if isinstance(reply, Refused) and await ledger.right(wanted.tenant_id, reply.epochs):
            return reply
        return Wrong({counter: reply.epochs[counter.name] for counter in wanted.limits})


@dataclass(frozen=True, slots=True)
class Wrong:
    """One of these counters is missing, or not of the ledger's epoch."""

    seen: Mapping[Counter, int]


Verdict = Held | Refused | Wrong


def _require_price(call: Call, budgets: Sequence[Budget]) -> None:
    limited = next((budget for budget in budgets if budget.micros is not None), None)
    if limited is None or call.reserved.micros is not None:
        return
    model = f"{call.provider}/{call.model}"
    told = (
        f"nobody knows the price of {model}, so the {limited.window} budget of {limited.scope} {limited.subject!r} in dollars cannot hold; "
        f'set its price in dollars a million tokens: BUDGETS__PRICES=\'{{"{model}": {{"input": 0, "output": 0}}}}\''
    )
    raise Permanent(PRICE_UNKNOWN, told)


def _refusal(call: Call, budget: Budget, refused: Refused) -> WorkbenchError:
    BUDGET_REFUSALS.labels(budget.scope, budget.window).inc()
    counter, reserved = refused.counter, call.reserved
    over_micros = budget.micros is not None and refused.micros + (reserved.micros or 0) > budget.micros
    allows, spent, asked = (
        (_dollars(budget.micros), _dollars(refused.micros), _dollars(reserved.micros))
        if over_micros
        else (f"{budget.tokens} tokens", str(refused.tokens), str(reserved.tokens))
    )
    told = (
        f"the {budget.window} budget of {budget.scope} {budget.subject!r} allows {allows}: {spent} is spent or reserved, and this call may "
        f"take {asked}; ask for fewer max_tokens, raise the budget{_or_wait(counter)}"
    )
    if counter.window.renews:
        return Permanent(EXCEEDED, told, (counter.end - call.started_at).total_seconds())
    return Permanent(SPENT, told)


def _or_wait(counter: Counter) -> str:
    return f", or wait until {counter.end:%Y-%m-%dT%H:%MZ}" if counter.window is not Window.TOTAL else ""


def _dollars(micros: int | None) -> str:
    return f"${(micros or 0) / MICROS:.6f}"
