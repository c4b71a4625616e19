"""Every call of a language model, written down before it is made: the ledger, from which all counters can be restored."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

import asyncpg

from kit.gateway.budget import Charge, Counter, counters_of
from kit.gateway.counters import Base
from kit.ports.llm import Caller, Message
from kit.postgres import load_queries, translated


class CallStatus(StrEnum):
    """How a call ended. `cancelled` never reached the provider; of one that is `unknown` nobody saw the end."""

    OK = "ok"
    FAILED = "failed"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Call:
    """A call about to be made, and the most that it can cost; `messages` only if they are to be kept."""

    call_id: UUID
    caller: Caller
    provider: str
    model: str
    started_at: datetime
    reserved: Charge
    trace_id: str | None = None
    messages: tuple[Message, ...] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended; `exact` tells whether `charge` is what was billed, and not all that was reserved. Times are milliseconds."""

    status: CallStatus
    charge: Charge
    exact: bool
    settled_at: datetime
    duration_ms: float
    first_token_ms: float | None = None
    error_code: str | None = None
    provider_request_id: str | None = None
    answer: str | None = None


class Register(Protocol):
    """Where calls are written down before they are made."""

    async def admit(self, call: Call, held: Mapping[str, int]) -> bool:
        """Writes down, as `unknown` with all it may cost, a call that is reserved in the counters `held` at these epochs.

        False, and nothing written, if one of these counters is wrong. Counters of the call that are not `held` are wrong from now on.
        """
        ...

    async def right(self, tenant_id: str, epochs: Mapping[str, int]) -> bool:
        """Whether all counters of these epochs are right."""
        ...


class Recount(Register, Protocol):
    """The ledger of a tenant that nobody else changes meanwhile."""

    async def bases(self, seen: Mapping[Counter, int]) -> Mapping[str, Base]:
        """Gives counters whose epoch is not the one `seen` a new one, and tells what they must hold."""
        ...


class Ledger(Register, Protocol):
    """Promise: the sum of the ledger is at no time below what may have been billed. Raises DependencyDown or Transient."""

    async def settle(self, call: Call, outcome: Outcome, counters: Sequence[str]) -> Mapping[str, int] | None:
        """Writes down how the call ended, and gives the epochs of its counters at that moment (0: it is wrong); None if it had ended."""
        ...

    def recount(self, tenant_id: str) -> AbstractAsyncContextManager[Recount]:
        """Keeps everybody else from this tenant's ledger while the block runs. If the block raises, nothing in it has happened."""
        ...

    async def outdate(self, tenant_id: str | None = None, counters: Sequence[str] | None = None) -> None:
        """Makes counters wrong, so that they are counted anew before the next call: those, or all, of one tenant, or of all."""
        ...


class PostgresRegister:
    """`Register` in the table `llm_calls` of the connection's schema."""

    def __init__(self, connection: asyncpg.Pool | asyncpg.Connection) -> None:
        self._connection = connection
        self._queries = load_queries("kit")

    async def admit(self, call: Call, held: Mapping[str, int]) -> bool:
        with _translated():
            attempt = await self._queries.put_llm_call(
                self._connection,
                **_columns(call),
                covering=[counter.name for counter in counters_of(call.caller, call.started_at)],
                held=list(held),
                epochs=list(held.values()),
            )
        return attempt is not None

    async def right(self, tenant_id: str, epochs: Mapping[str, int]) -> bool:
        with _translated():
            found = await self._queries.llm_epochs(self._connection, tenant_id=tenant_id, names=list(epochs))
        return bool(found == list(epochs.values()))


class PostgresRecount(PostgresRegister):
    """`Recount` over a connection whose transaction has the tenant's lock."""

    def __init__(self, connection: asyncpg.Connection, tenant_id: str) -> None:
        super().__init__(connection)
        self._tenant_id = tenant_id

    async def bases(self, seen: Mapping[Counter, int]) -> Mapping[str, Base]:
        names, epochs = [counter.name for counter in seen], list(seen.values())
        with _translated():
            renewed = self._queries.renew_llm_counters(self._connection, tenant_id=self._tenant_id, names=names, epochs=epochs)
            wrong = {row["name"] async for row in renewed}
            counters = [counter for counter in seen if counter.name in wrong]
            rows = self._queries.sum_llm_calls(
                self._connection,
                tenant_id=self._tenant_id,
                names=[counter.name for counter in counters],
                scopes=[counter.scope for counter in counters],
                subjects=[counter.subject for counter in counters],
                starts=[counter.start for counter in counters],
                ends=[counter.end for counter in counters],
            )
            return {row["name"]: Base(row["epoch"], row["micros"], row["tokens"], row["open"]) async for row in rows}


class PostgresLedger(PostgresRegister):
    """`Ledger` in the tables `llm_calls` and `llm_counters` of the pool's schema."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        super().__init__(pool)
        self._pool = pool

    async def settle(self, call: Call, outcome: Outcome, counters: Sequence[str]) -> Mapping[str, int] | None:
        with _translated():
            epochs = await self._queries.settle_llm_call(
                self._pool,
                call_id=call.call_id,
                tenant_id=call.caller.tenant_id,
                counters=list(counters),
                **_amounts(outcome.charge),
                status=outcome.status,
                exact=outcome.exact,
                settled_at=outcome.settled_at,
                duration_ms=outcome.duration_ms,
                first_token_ms=outcome.first_token_ms,
                error_code=outcome.error_code,
                provider_request_id=_storable(outcome.provider_request_id),
                answer=_storable(outcome.answer),
            )
        return None if epochs is None else dict(zip(counters, epochs, strict=True))

    @asynccontextmanager
    async def recount(self, tenant_id: str) -> AsyncIterator[Recount]:
        with _translated():
            async with self._pool.acquire() as connection, connection.transaction():
                await self._queries.lock_llm_ledger(connection, tenant_id=tenant_id)
                yield PostgresRecount(connection, tenant_id)

    async def outdate(self, tenant_id: str | None = None, counters: Sequence[str] | None = None) -> None:
        with _translated():
            await self._queries.outdate_llm_counters(self._pool, tenant_id=tenant_id, names=None if counters is None else list(counters))


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise translated(error) or error from error


def _columns(call: Call) -> dict[str, Any]:
    caller = call.caller
    messages = None if call.messages is None else [{"role": m.role, "content": _storable(m.content)} for m in call.messages]
    return {
        "call_id": call.call_id,
        "tenant_id": caller.tenant_id,
        "key_id": caller.key_id,
        "run_id": caller.run_id,
        "request_id": caller.request_id,
        "purpose": caller.purpose,
        "provider": call.provider,
        "model": call.model,
        **_amounts(call.reserved),
        "started_at": call.started_at,
        "trace_id": call.trace_id,
        "messages": messages,
    }


def _amounts(charge: Charge) -> dict[str, int | None]:
    return {"input_tokens": charge.input_tokens, "output_tokens": charge.output_tokens, "cost_micros": charge.micros}


def _storable(text: str | None) -> str | None:
    """No database stores a NUL character in a text, or half of a surrogate pair; models write both."""
    return text and text.encode(errors="replace").decode().replace("\x00", "\ufffd")
