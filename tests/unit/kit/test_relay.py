"""The relay's lock, when it is interrupted."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, cast

import asyncpg

from contracts.codec import Record
from kit.clock import SystemClock
from kit.relay import Relay


@dataclass
class LateLock:
    """A pool of one connection, whose lock is got at once and told never."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    holds: bool = False

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator["LateLock"]:
        """The connection."""
        yield self

    async def fetchval(self, sql: str, *_: object) -> bool:
        """Takes the lock, or gives it back."""
        if "unlock" in sql:
            held, self.holds = self.holds, False
            return held
        self.holds = True
        self.asked.set()
        await asyncio.Event().wait()
        return True

    def terminate(self) -> None:
        """A session's locks end with it."""
        self.holds = False


class NoBroker:
    """Nothing comes that far."""

    async def publish(self, records: Sequence[Record]) -> int:
        """Takes nothing."""
        return 0


async def test_a_relay_that_is_cancelled_while_it_asks_for_the_lock_does_not_keep_it() -> None:
    """The pool would, and no other replica could publish."""
    pool = LateLock()
    relay = asyncio.create_task(Relay("rag", cast(asyncpg.Pool, cast(Any, pool)), NoBroker(), SystemClock()).run())
    await pool.asked.wait()

    relay.cancel()
    with suppress(asyncio.CancelledError):
        await relay

    assert not pool.holds
