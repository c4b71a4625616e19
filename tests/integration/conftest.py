"""Fixtures of tests that need a real database."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack

import pytest
from pydantic import SecretStr

from contracts.base import Event
from contracts.codec import Received, Record, decode
from kit.clock import SystemClock
from kit.effects import Effects
from kit.ids import new_id
from kit.migrations import migrate
from kit.postgres import open_pool
from kit.relay import Relay
from kit.settings import PostgresSettings
from workbench.stack.servers import Servers

OpenEffects = Callable[[str], Awaitable[Effects]]


class NoBroker:
    """A publisher nobody runs: what is told stays in the outbox, where tests read it."""

    async def publish(self, records: Sequence[Record]) -> int:
        """Takes nothing."""
        return 0


@pytest.fixture
async def open_effects(database: Servers) -> AsyncIterator[OpenEffects]:
    """Opens a service's migrated schema; its relay does not run."""
    async with AsyncExitStack() as stack:

        async def opened(service: str) -> Effects:
            settings = PostgresSettings(dsn=SecretStr(database.dsn(service)))
            pool = await stack.enter_async_context(open_pool(settings, service))
            await migrate(pool, service)
            clock = SystemClock()
            return Effects(service, pool, Relay(service, pool, NoBroker(), clock), clock, new_id)

        yield opened


async def told(effects: Effects, key: str) -> list[Received[Event]]:
    """What a service has told of one key and not published yet, oldest first."""
    rows = await effects.pool.fetch("SELECT headers, value FROM outbox WHERE key = $1 ORDER BY id", key.encode())
    return [decode([(name, value.encode()) for name, value in row["headers"]], row["value"]) for row in rows]
