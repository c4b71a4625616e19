"""A model behind a meter, all in memory."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field, replace
from typing import Any

from kit.clock import FakeClock
from kit.fakes.budgets import Entry, MemoryCounters, MemoryLedger
from kit.fakes.llm import Line, ScriptedLLM
from kit.gateway.accounts import Accounts
from kit.gateway.budget import Budget, BudgetScope, Charge, Window
from kit.gateway.caps import WhenDown
from kit.gateway.metered import Meter, Metered
from kit.gateway.price import Prices
from kit.ids import new_id
from kit.ports.llm import Caller, Completion, CompletionRequest, LLMClient, Message, Role, TokenUsage

ASKED = CompletionRequest((Message(Role.USER, "When are travel expenses paid?"),), max_tokens=100, caller=Caller("r-1", "acme"))
# 2 micro-dollars an input token, 5 an output token; the bound of ASKED is 30 bytes + 16 + 512.
RESERVED = Charge(558, 100, 2 * 558 + 5 * 100)


@dataclass
class Books:
    """A model behind a meter, with counters and ledger in memory, and what they hold."""

    lines: list[Line]
    cap: int | None = 100_000
    when_down: WhenDown = WhenDown.FAIL_CLOSED
    wrapped: Callable[[LLMClient], LLMClient] = lambda client: client
    changes: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.counters, self.ledger, self.scripted = MemoryCounters(), MemoryLedger(), ScriptedLLM(self.lines, takes_s=0.01)
        accounts = Accounts(self.counters, self.ledger, self, self.when_down)
        prices = Prices(lambda _, __, read, written: (2 * read + 5 * written) / 1_000_000)
        self.meter = replace(Meter(accounts, prices, len, FakeClock(), new_id), **self.changes)
        self.llm = Metered(self.wrapped(self.scripted), self.meter)

    async def of(self, caller: Caller) -> tuple[Budget, ...]:
        """One budget in dollars, if there is a cap."""
        return () if self.cap is None else (Budget(BudgetScope.TENANT, caller.tenant_id, Window.DAY, self.cap),)

    @property
    def entry(self) -> Entry:
        """The only row."""
        [entry] = self.ledger.entries.values()
        return entry

    @property
    def spent(self) -> tuple[int, int]:
        """What the only counter holds; it must be what the ledger says."""
        [tally] = self.counters.tallies.values()
        assert (tally.micros, tally.tokens) == self.ledger.spent(BudgetScope.TENANT, "acme")
        assert tally.open == {}
        return tally.micros, tally.tokens


def billing(usage: TokenUsage, **changes: Any) -> Callable[[LLMClient], LLMClient]:
    """The client with that usage in its completions."""

    class Billing:
        def __init__(self, inner: LLMClient) -> None:
            self.provider, self.model, self._inner = inner.provider, inner.model, inner

        async def complete(self, request: CompletionRequest) -> Completion:
            return replace(await self._inner.complete(request), usage=usage, **changes)

        async def stream(self, request: CompletionRequest) -> AsyncGenerator[str | Completion, None]:
            async for piece in self._inner.stream(request):
                yield piece if isinstance(piece, str) else replace(piece, usage=usage, **changes)

    return Billing
