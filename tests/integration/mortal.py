"""Processes that die at a step of their own choice, and a provider whose bills are the truth."""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

from kit.errors import DependencyDown, Permanent, Transient
from kit.gateway.budget import Charge, Counter
from kit.gateway.counters import Base, Counters, Reply, Reservation
from kit.gateway.ledger import Call, Ledger, Outcome, Recount
from kit.ports.llm import Completion, CompletionRequest, FinishReason, TokenUsage

T = TypeVar("T")
INPUT_MICROS, OUTPUT_MICROS = 3, 7


class Died(BaseException):
    """The process is gone: none of its code runs any more, as far as the servers can tell."""


@dataclass
class Life:
    """Ends at the so many-th step (None: never), just before it has an effect or just after."""

    steps: int | None = None
    after: bool = False

    async def step(self, work: Coroutine[Any, Any, T]) -> T:
        """Does one step. Raises Died at the end of the life, and for ever after."""
        if self.steps is None:
            return await work
        self.steps -= 1
        if self.steps < 0 or (self.steps == 0 and not self.after):
            work.close()
            raise Died
        result = await work
        if self.steps == 0:
            raise Died
        return result


@dataclass(frozen=True)
class MortalCounters:
    """`Counters` as a process with a life uses them."""

    inner: Counters
    life: Life

    async def reserve(self, wanted: Reservation, bases: Mapping[str, Base]) -> Reply:
        return await self.life.step(self.inner.reserve(wanted, bases))

    async def settle(self, tenant_id: str, call_id: UUID, charge: Charge, epochs: Mapping[str, int]) -> bool:
        return await self.life.step(self.inner.settle(tenant_id, call_id, charge, epochs))


@dataclass(frozen=True)
class MortalRecount:
    """`Recount` as a process with a life uses it."""

    inner: Recount
    life: Life

    async def admit(self, call: Call, held: Mapping[str, int]) -> bool:
        return await self.life.step(self.inner.admit(call, held))

    async def right(self, tenant_id: str, epochs: Mapping[str, int]) -> bool:
        return await self.life.step(self.inner.right(tenant_id, epochs))

    async def bases(self, seen: Mapping[Counter, int]) -> Mapping[str, Base]:
        return await self.life.step(self.inner.bases(seen))


@dataclass(frozen=True)
class MortalLedger:
    """`Ledger` as a process with a life uses it."""

    inner: Ledger
    life: Life

    async def admit(self, call: Call, held: Mapping[str, int]) -> bool:
        return await self.life.step(self.inner.admit(call, held))

    async def right(self, tenant_id: str, epochs: Mapping[str, int]) -> bool:
        return await self.life.step(self.inner.right(tenant_id, epochs))

    async def settle(self, call: Call, outcome: Outcome, counters: Sequence[str]) -> Mapping[str, int] | None:
        return await self.life.step(self.inner.settle(call, outcome, counters))

    @asynccontextmanager
    async def recount(self, tenant_id: str) -> AsyncIterator[Recount]:
        async with self.inner.recount(tenant_id) as recount:
            yield MortalRecount(recount, self.life)
            await self.life.step(asyncio.sleep(0))

    async def outdate(self, tenant_id: str | None = None, counters: Sequence[str] | None = None) -> None:
        await self.life.step(self.inner.outdate(tenant_id, counters))


@dataclass
class Bills:
    """What the provider billed: in answers that it gave, and in work whose answer nobody got; micro-dollars by request id."""

    answered: dict[str, int] = field(default_factory=dict)
    lost: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Provider:
    """`LLMClient` that bills up to what a request allows, and ends as chance has it.

    `asked` is told of every call; `life` may end in the middle of one.
    """

    bills: Bills
    chance: random.Random
    life: Life
    asked: Callable[[], Awaitable[None]]

    provider = "test"
    model = "test"

    async def complete(self, request: CompletionRequest) -> Completion:
        await self.asked()
        who, end = request.caller.request_id, self.chance.random()
        if end < 0.1:
            raise Transient("llm_rate_limited", "send less")
        if end < 0.13:
            raise Permanent("llm_request_refused", "change it")
        read, written = self.chance.randint(1, len(request.messages[0].content)), self.chance.randint(0, request.max_tokens)
        micros = INPUT_MICROS * read + OUTPUT_MICROS * written
        self.bills.lost[who] = self.bills.lost.get(who, 0) + micros
        await self.life.step(asyncio.sleep(self.chance.random() * 0.02))
        if end < 0.2:
            raise DependencyDown("llm_timeout", "too late")
        self.bills.lost[who] -= micros
        self.bills.answered[who] = self.bills.answered.get(who, 0) + micros
        return Completion("text", self.provider, self.model, TokenUsage(read, written, None), FinishReason.STOP)

    async def stream(self, request: CompletionRequest) -> AsyncGenerator[str | Completion, None]:
        yield "text"
        yield await self.complete(request)
