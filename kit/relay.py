"""The outbox relay: publishes what committed transactions told, in the order they were written."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import asyncpg
import structlog

from contracts.codec import Record
from kit.clock import Clock
from kit.errors import DependencyDown
from kit.failpoints import Failpoints, Place
from kit.periodic import AWAY
from kit.postgres import load_queries, translated

log = structlog.get_logger(__name__)

_LOCK = 0x72656C61
_POLL_S = 0.1
_BATCH = 200
_BACK_OFF_S = 1.0


class Publisher(Protocol):
    """Whoever hands records to the broker."""

    async def publish(self, records: Sequence[Record]) -> int:
        """Sends records in order and returns how many of them, from the first on, the broker has acknowledged."""
        ...


class Relay:
    """One active relay a service, however many replicas run: it holds an advisory lock named after the service.

    Several at once would break the order within a key.
    """

    def __init__(self, service: str, pool: asyncpg.Pool, publisher: Publisher, clock: Clock, failpoints: Failpoints | None = None) -> None:
        self._service = service
        self._pool = pool
        self._publisher = publisher
        self._clock = clock
        self._failpoints = failpoints or Failpoints()
        self._work = asyncio.Event()
        self._queries = load_queries("kit")

    def wake(self) -> None:
        """Says that there is something to publish; without it the relay looks every 100 ms."""
        self._work.set()

    async def run(self) -> None:
        """Publishes until cancelled; waits and goes on when Postgres or the broker is away."""
        while True:
            try:
                await self._lead()
            except AWAY as error:
                log.warning("relay.waits", service=self._service, reason=str(translated(error) or error))
                await self._clock.sleep(_BACK_OFF_S)

    async def _lead(self) -> None:
        async with self._pool.acquire() as connection:
            try:  # from the first request on: one that is cancelled may have got the lock
                while not await connection.fetchval("SELECT pg_try_advisory_lock($1, hashtext($2))", _LOCK, self._service):
                    await self._clock.sleep(_BACK_OFF_S)
                while True:
                    if not await self.publish_batch(connection):
                        await self._rest()
            finally:
                await self._let_go(connection)

    async def _let_go(self, connection: asyncpg.Connection) -> None:
        released = False
        try:
            released = await connection.fetchval("SELECT pg_advisory_unlock($1, hashtext($2))", _LOCK, self._service)
        finally:
            if not released:
                connection.terminate()  # or nobody could lead as long as the pool keeps it

    async def publish_batch(self, connection: asyncpg.Connection) -> int:
        """Publishes the oldest records, removes those the broker acknowledged, and returns their number."""
        rows = [row async for row in self._queries.next_in_outbox(connection, batch=_BATCH)]
        if not rows:
            return 0
        acknowledged = await self._publisher.publish([_record(row) for row in rows])
        self._failpoints.reach(Place.MID_RELAY)
        await self._queries.remove_from_outbox(connection, ids=[row["id"] for row in rows[:acknowledged]])
        if acknowledged < len(rows):
            raise DependencyDown("broker_down", f"the broker acknowledged {acknowledged} of {len(rows)} records")
        return acknowledged

    async def _rest(self) -> None:
        try:
            await asyncio.wait_for(self._work.wait(), _POLL_S)
        except TimeoutError:
            return
        self._work.clear()


def _record(row: asyncpg.Record) -> Record:
    headers = tuple((name, value.encode()) for name, value in row["headers"])
    return Record(topic=row["topic"], key=row["key"], value=row["value"], headers=headers)
