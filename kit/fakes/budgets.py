"""Counters and ledger in memory: what the Redis script and the SQL do, in Python."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from uuid import UUID

from kit.errors import DependencyDown
from kit.gateway.budget import BudgetScope, Charge, Counter, counters_of
from kit.gateway.counters import UNAVAILABLE, Base, Held, Missing, Refused, Reply, Reservation
from kit.gateway.ledger import Call, CallStatus, Outcome, Recount


@dataclass
class Tally:
    """One counter: `open` has micro-dollars and tokens of each call that is reserved and has not ended."""

    epoch: int
    micros: int
    tokens: int
    open: dict[str, tuple[int, int]] = field(default_factory=dict)

    def add(self, call_id: UUID, amounts: tuple[int, int]) -> None:
        """Reserves a call."""
        self.open[str(call_id)] = amounts
        self.micros, self.tokens = self.micros + amounts[0], self.tokens + amounts[1]

    def drop(self, call_id: UUID, amounts: tuple[int, int]) -> None:
        """Puts `amounts` in place of what a call reserved, if it did."""
        micros, tokens = self.open.pop(str(call_id), amounts)
        self.micros, self.tokens = self.micros + amounts[0] - micros, self.tokens + amounts[1] - tokens


class MemoryCounters:
    """`Counters` of one tenant; while `down`, it does not answer."""

    def __init__(self) -> None:
        self.tallies: dict[str, Tally] = {}
        self.down = False

    async def reserve(self, wanted: Reservation, bases: Mapping[str, Base]) -> Reply:
        self._answer()
        for name, base in bases.items():
            known = self.tallies.get(name)
            if known is None or known.epoch < base.epoch:
                self.tallies[name] = Tally(base.epoch, base.micros, base.tokens, dict(base.open))
        epochs = {c.name: self.tallies[c.name].epoch if c.name in self.tallies else 0 for c in wanted.limits}
        if 0 in epochs.values():
            return Missing(epochs)
        lacking = [counter for counter in wanted.limits if str(wanted.call_id) not in self.tallies[counter.name].open]
        full = next((counter for counter in lacking if not self._has_room(counter, wanted)), None)
        if full is not None:
            for counter in wanted.limits:
                self.tallies[counter.name].drop(wanted.call_id, (0, 0))
            return Refused(full, self.tallies[full.name].micros, self.tallies[full.name].tokens, epochs)
        for counter in lacking:
            self.tallies[counter.name].add(wanted.call_id, _amounts(wanted.charge))
        return Held(epochs)

    async def settle(self, tenant_id: str, call_id: UUID, charge: Charge, epochs: Mapping[str, int]) -> bool:
        self._answer()
        for name, epoch in epochs.items():
            if name in self.tallies and self.tallies[name].epoch == epoch:
                self.tallies[name].drop(call_id, _amounts(charge))
        return all(name in self.tallies and self.tallies[name].epoch >= epoch for name, epoch in epochs.items() if epoch)

    def _has_room(self, counter: Counter, wanted: Reservation) -> bool:
        tally, budget, (micros, tokens) = self.tallies[counter.name], wanted.limits[counter], _amounts(wanted.charge)
        affordable = not micros or budget.micros is None or tally.micros + micros <= budget.micros
        return affordable and (not tokens or budget.tokens is None or tally.tokens + tokens <= budget.tokens)

    def _answer(self) -> None:
        if self.down:
            raise DependencyDown(UNAVAILABLE, "these counters are down; try again when they are back")


@dataclass
class Entry:
    """A row: how the call ended, None as long as it has not."""

    call: Call
    outcome: Outcome | None = None

    @property
    def status(self) -> CallStatus:
        """As it stands in the row."""
        return self.outcome.status if self.outcome else CallStatus.UNKNOWN

    @property
    def charge(self) -> Charge:
        """What the row says that the call cost."""
        return self.outcome.charge if self.outcome else self.call.reserved

    def counts_in(self, counter: Counter) -> bool:
        """Whether it belongs to a counter."""
        return counter in counters_of(self.call.caller, self.call.started_at)


class MemoryLedger:
    """`Ledger` of one tenant; `entries` are its rows, `epochs` those of the counters that are right. While `down`, it does not answer."""

    def __init__(self) -> None:
        self.entries: dict[UUID, Entry] = {}
        self.epochs: dict[str, int] = {}
        self.down = False
        self._next = count(1)

    async def admit(self, call: Call, held: Mapping[str, int]) -> bool:
        self._answer()
        if any(self.epochs.get(name) != epoch for name, epoch in held.items()):
            return False
        for counter in counters_of(call.caller, call.started_at):
            if counter.name not in held:
                self.epochs.pop(counter.name, None)
        self.entries.setdefault(call.call_id, Entry(call))
        return True

    async def right(self, tenant_id: str, epochs: Mapping[str, int]) -> bool:
        self._answer()
        return {name: self.epochs.get(name, 0) for name in epochs} == epochs

    async def settle(self, call: Call, outcome: Outcome, counters: Sequence[str]) -> Mapping[str, int] | None:
        self._answer()
        entry = self.entries[call.call_id]
        if entry.outcome is not None:
            return None
        entry.outcome = outcome
        return {name: self.epochs.get(name, 0) for name in counters}

    @asynccontextmanager
    async def recount(self, tenant_id: str) -> AsyncIterator[Recount]:
        self._answer()
        yield self

    async def bases(self, seen: Mapping[Counter, int]) -> Mapping[str, Base]:
        """As `Recount` does."""
        wrong = [counter for counter, epoch in seen.items() if self.epochs.get(counter.name) != epoch]
        self.epochs |= {counter.name: next(self._next) for counter in wrong}
        return {counter.name: self._base(counter) for counter in wrong}

    async def outdate(self, tenant_id: str | None = None, counters: Sequence[str] | None = None) -> None:
        self._answer()
        for name in list(self.epochs) if counters is None else counters:
            self.epochs.pop(name, None)

    def spent(self, scope: BudgetScope, subject: str) -> tuple[int, int]:
        """Micro-dollars and tokens of one subject, of all time."""
        payers = (entry for entry in self.entries.values() if any((c.scope, c.subject) == (scope, subject) for c in _counters(entry)))
        charges = [entry.charge for entry in payers]
        return sum(charge.micros or 0 for charge in charges), sum(charge.tokens for charge in charges)

    def _base(self, counter: Counter) -> Base:
        entries = [entry for entry in self.entries.values() if entry.counts_in(counter)]
        micros, tokens = sum(entry.charge.micros or 0 for entry in entries), sum(entry.charge.tokens for entry in entries)
        unended = {str(entry.call.call_id): _amounts(entry.charge) for entry in entries if entry.outcome is None}
        return Base(self.epochs[counter.name], micros, tokens, unended)

    def _answer(self) -> None:
        if self.down:
            raise DependencyDown("postgres_down", "this ledger is down; try again when it is back")


def _counters(entry: Entry) -> list[Counter]:
    return list(counters_of(entry.call.caller, entry.call.started_at))


def _amounts(charge: Charge) -> tuple[int, int]:
    return charge.micros or 0, charge.tokens
