"""What is spent, in Redis: one script reserves and settles a call in all of its counters at once."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, Protocol
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError

from kit.errors import DependencyDown
from kit.gateway.budget import Budget, Charge, Counter

UNAVAILABLE = "budget_unavailable"
# A counter that nobody used for so long is forgotten; the ledger has its sum.
_TTL_S = 2 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Base:
    """What the ledger says that a counter must hold; `open` has micro-dollars and tokens of the calls that have not ended."""

    epoch: int
    micros: int
    tokens: int
    open: Mapping[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reservation:
    """What a call wants to reserve, at a time in the windows of `budgets`."""

    call_id: UUID
    tenant_id: str
    charge: Charge
    limits: Mapping[Counter, Budget]


@dataclass(frozen=True, slots=True)
class Held:
    """The call is reserved in all its counters, which have these epochs."""

    epochs: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Refused:
    """The call is reserved nowhere: this counter, which holds so much, has no room for it."""

    counter: Counter
    micros: int
    tokens: int
    epochs: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Missing:
    """The call waits for the base of a counter that is not there: its epoch is 0."""

    epochs: Mapping[str, int]


Reply = Held | Refused | Missing


class Counters(Protocol):
    """Promise: each method happens at once or not at all, and a second time changes nothing. Raises DependencyDown `budget_unavailable`."""

    async def reserve(self, wanted: Reservation, bases: Mapping[str, Base]) -> Reply:
        """Reserves in every counter in which the call is not reserved yet, if all have room. `bases` replace counters of an older epoch.

        A limit is refused if this call would go over it: one that takes no money is let through where money is spent.
        """
        ...

    async def settle(self, tenant_id: str, call_id: UUID, charge: Charge, epochs: Mapping[str, int]) -> bool:
        """Puts what the call cost in place of what it reserved, in each counter of this epoch that has the call reserved.

        A counter of a newer epoch has the cost in its base already. False if one is missing or of an older epoch: it is wrong.
        """
        ...


class RedisCounters:
    """`Counters` as hashes `<prefix>:{<tenant>}:<name>`: the counters of a tenant share a slot, so that Redis Cluster will do as well.

    They are never the only copy: the ledger can restore each. Redis may forget all of them, or evict some, at any time. If it comes back
    with *older* values (a failover to a replica that lagged) a counter may be too low until `Accounts.recount_all` is next called.
    """

    def __init__(self, redis: Redis, prefix: str, timeout_s: float = 1.0) -> None:
        self._script = redis.register_script((files("kit.gateway") / "counters.lua").read_text())
        self._prefix = prefix
        self._timeout_s = timeout_s

    async def reserve(self, wanted: Reservation, bases: Mapping[str, Base]) -> Reply:
        counters, charge = list(wanted.limits), wanted.charge
        arguments: list[Any] = ["reserve", str(wanted.call_id), charge.micros or 0, charge.tokens, _TTL_S]
        for counter, budget in wanted.limits.items():
            arguments += [_limit(budget.micros), _limit(budget.tokens), _encoded(bases.get(counter.name))]
        kind, *values = await self._run(wanted.tenant_id, [counter.name for counter in counters], arguments)
        epochs = {counter.name: int(epoch) for counter, epoch in zip(counters, values[-len(counters) :], strict=True)}
        if kind == "refused":
            return Refused(counters[int(values[0]) - 1], int(values[1]), int(values[2]), epochs)
        return Held(epochs) if kind == "held" else Missing(epochs)

    async def settle(self, tenant_id: str, call_id: UUID, charge: Charge, epochs: Mapping[str, int]) -> bool:
        arguments = ["settle", str(call_id), charge.micros or 0, charge.tokens, *epochs.values()]
        [behind] = await self._run(tenant_id, list(epochs), arguments)
        return int(behind) == 0

    async def _run(self, tenant_id: str, names: Sequence[str], arguments: Sequence[Any]) -> list[str]:
        keys = [f"{self._prefix}:{{{tenant_id}}}:{name}" for name in names]
        try:
            async with asyncio.timeout(self._timeout_s):
                reply = await self._script(keys, arguments)
        except (RedisError, OSError, TimeoutError) as error:
            told = f"Redis, which counts what is spent, does not answer: {error or type(error).__name__}; try again when it is back"
            raise DependencyDown(UNAVAILABLE, told) from error
        return [value.decode() if isinstance(value, bytes) else str(value) for value in reply]


def _limit(limit: int | None) -> int | str:
    return "" if limit is None else limit


def _encoded(base: Base | None) -> str:
    """Numbers go as strings: Lua would write large ones with an exponent."""
    if base is None:
        return ""
    calls = {call: [str(value) for value in held] for call, held in base.open.items()}
    return json.dumps({"epoch": str(base.epoch), "micros": str(base.micros), "tokens": str(base.tokens), "open": calls})
