"""Hundreds of calls at once, some cancelled, some repeated, in processes of which some die, while Redis forgets."""

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from uuid import uuid4

from kit.clock import FakeClock
from kit.errors import DependencyDown, Permanent, Transient
from kit.gateway.accounts import Accounts
from kit.gateway.budget import Budget, BudgetScope, Window
from kit.gateway.metered import Meter, Metered
from kit.gateway.price import OwnPrice, Prices
from kit.ids import new_id
from kit.ports.llm import Caller, CompletionRequest, Message, Role
from tests.integration.budgets import NOW, Real, a_call
from tests.integration.mortal import INPUT_MICROS, OUTPUT_MICROS, Bills, Died, Life, MortalCounters, MortalLedger, Provider

REQUESTS = 500
PROCESSES = 5
TRIES = 3
LASTS_S = 0.2
PRICES = Prices(lambda *_: None, {"test": OwnPrice(input=Decimal(INPUT_MICROS), output=Decimal(OUTPUT_MICROS))})


@dataclass
class Storm:
    """One run. Everything that is random in it follows from `chance`, except who comes first.

    Unless it is `rough`, nobody dies, and Redis forgets nothing.
    """

    real: Real
    chance: random.Random
    rough: bool = True
    bills: Bills = field(default_factory=Bills)
    refused: int = 0
    over: bool = False
    overspent: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tenants = [f"t-{uuid4().hex[:8]}" for _ in range(3)]
        self.budgets = {tenant: self._budgets(tenant) for tenant in self.tenants}
        budgets = [budget for each in self.budgets.values() for budget in each]
        self.processes = [self.real.accounts(*budgets) for _ in range(PROCESSES)]

    async def blow(self) -> None:
        """All requests; whenever one is let through, somebody looks at the ledger."""
        await self.calm()
        raging = asyncio.create_task(self._rage())
        await asyncio.gather(*(self._request() for _ in range(REQUESTS)))
        self.over = True
        await raging

    async def calm(self) -> None:
        """What a service does now and then: counters are summed up anew before the next call, here one that costs nothing."""
        await self.processes[0].recount_all()
        for tenant in self.tenants:
            for number in range(2):
                free = a_call(tenant, 0, 0, key_id=f"{tenant}-key-{number}", run_id=f"{tenant}-run-{number}")
                await self.processes[0].open(free)

    async def look(self, tenant: str) -> None:
        """Notes every budget of a tenant that is overspent at this moment, as its counter or as the ledger has it."""
        budgets = self.budgets[tenant]
        counters = [budget.counter(NOW) for budget in budgets]
        for sums in (await self.real.all_counted(counters, tenant), await self.real.all_booked(counters, tenant)):
            for budget, (micros, tokens) in zip(budgets, sums, strict=True):
                if (budget.micros is not None and micros > budget.micros) or (budget.tokens is not None and tokens > budget.tokens):
                    self.overspent.append(f"{budget}: {micros} {tokens}")

    async def sums(self) -> list[tuple[tuple[int, int], tuple[int, int]]]:
        """For each budget what its counter holds, and what the ledger says."""
        pairs = [(budget.counter(NOW), tenant) for tenant, budgets in self.budgets.items() for budget in budgets]
        return [(await self.real.counted(*pair), await self.real.booked(*pair)) for pair in pairs]

    async def unbooked(self) -> dict[str, tuple[int, int]]:
        """Requests of which the ledger says other than the provider: less than it billed, or another sum of the answers that were had.

        What a process was told just before it died nobody can know: such an answer may be booked as unknown, with more.
        """
        answered, all_of_them = await self.real.costs(self.tenants)
        bills = self.bills
        billed = {who: bills.answered.get(who, 0) + bills.lost.get(who, 0) for who in bills.answered | bills.lost}
        wrong = {who: (micros, all_of_them.get(who, 0)) for who, micros in billed.items() if all_of_them.get(who, 0) < micros}
        exact = (lambda ours, theirs: ours <= theirs) if self.rough else (lambda ours, theirs: ours == theirs)
        told = {who: (micros, answered.get(who, 0)) for who, micros in bills.answered.items()}
        return wrong | {who: pair for who, pair in told.items() if not exact(pair[1], pair[0])}

    def _budgets(self, tenant: str) -> list[Budget]:
        some = self.chance.randint
        return [
            Budget(BudgetScope.TENANT, tenant, Window.DAY, some(400_000, 900_000)),
            Budget(BudgetScope.TENANT, tenant, Window.MONTH, None, some(60_000, 200_000)),
            *(Budget(BudgetScope.KEY, f"{tenant}-key-{n}", Window.TOTAL, some(50_000, 500_000)) for n in range(2)),
            *(Budget(BudgetScope.RUN, f"{tenant}-run-{n}", Window.DAY, some(50_000, 500_000), some(9_000, 90_000)) for n in range(2)),
        ]

    async def _request(self) -> None:
        """One piece of work: tried again after what may pass, perhaps given up half way."""
        tenant, caller_id = self.chance.choice(self.tenants), uuid4().hex
        key, run = (self.chance.choice([None, f"{tenant}-{kind}-0", f"{tenant}-{kind}-1"]) for kind in ("key", "run"))
        await asyncio.sleep(self.chance.random() ** 2 * LASTS_S)
        for _ in range(TRIES):
            trying = asyncio.create_task(self._try(Caller(caller_id, tenant, key, run)))
            if self.chance.random() < 0.2:
                await asyncio.sleep(self.chance.random() * 0.1)
                trying.cancel()
            with suppress(Transient, DependencyDown, asyncio.CancelledError):
                await trying
                return

    async def _try(self, caller: Caller) -> None:
        doomed = self.rough and self.chance.random() < 0.15
        life = Life(self.chance.randint(1, 6), self.chance.random() < 0.5) if doomed else Life()
        process = self.chance.choice(self.processes)
        mortal = Accounts(MortalCounters(process.counters, life), MortalLedger(process.ledger, life), process.caps)
        metered = Metered(
            Provider(self.bills, self.chance, life, partial(self.look, caller.tenant_id)),
            Meter(mortal, PRICES, len, FakeClock(NOW), new_id),
        )
        message = Message(Role.USER, "x" * self.chance.randint(1, 2_000))
        request = CompletionRequest((message,), max_tokens=self.chance.randint(1, 2_000), caller=caller)
        try:
            if self.chance.random() < 0.5:
                await metered.complete(request)
            else:
                [_ async for _ in metered.stream(request)]
        except Permanent as error:
            self.refused += error.code.startswith("budget_")
        except Died:
            raise DependencyDown("died", "the process is gone; another takes over") from None

    async def _rage(self) -> None:
        while self.rough and not self.over:
            await asyncio.sleep(self.chance.random() * LASTS_S / 2)
            if self.chance.random() < 0.7:
                await self.real.forget()
            else:
                await self.chance.choice(self.processes).recount_all()
