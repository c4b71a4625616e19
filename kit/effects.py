"""The transaction of an effect: its inbox row, the writes and the events that tell of it are committed together or not at all."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from contracts.base import Event
from contracts.codec import Received
from contracts.envelope import DEFAULT_TENANT, Envelope
from kit.clock import Clock
from kit.failpoints import Failpoints, Place
from kit.ids import IdSource
from kit.inbox import Inbox
from kit.outbox import Outbox
from kit.relay import Relay


@dataclass(frozen=True, slots=True)
class Effect:
    """A transaction under way: write with `connection`, tell with `publish`."""

    connection: asyncpg.Connection
    outbox: Outbox
    cause: Envelope | None
    tenant_id: str

    async def publish(self, event: Event, part: int = 0) -> str:
        """Tells `event` if and when this transaction commits; `part` tells several events of one type apart. Returns the event's id."""
        return await self.outbox.add(self.connection, event, self.cause, part, self.tenant_id)


class Effects:
    """Opens the transactions of one service and wakes its relay when one has committed."""

    def __init__(
        self, service: str, pool: asyncpg.Pool, relay: Relay, clock: Clock, ids: IdSource, failpoints: Failpoints | None = None
    ) -> None:
        self.pool = pool
        self.inbox = Inbox(service)
        self._outbox = Outbox(service, clock, ids)
        self._relay = relay
        self._failpoints = failpoints or Failpoints()

    async def refuse_if_handled(self, event: Received[Event]) -> None:
        """Raises AlreadyHandled if `event` has had its effect, Permanent if its id was reused; claims nothing."""
        await self.inbox.refuse_if_handled(self.pool, event)

    async def forget_old(self) -> None:
        """Drops what the inbox need not remember any more."""
        await self.inbox.forget_old(self.pool)

    @asynccontextmanager
    async def once(self, event: Received[Event]) -> AsyncIterator[Effect]:
        """The one effect of `event` in this consumer group. Raises AlreadyHandled if it has had it, Permanent if its id was reused."""
        async with self.caused_by(event.envelope) as effect:
            await self.inbox.record(effect.connection, event)
            yield effect
            self._failpoints.reach(Place.AFTER_EFFECT)

    @asynccontextmanager
    async def caused_by(self, cause: Envelope | None, tenant_id: str = DEFAULT_TENANT) -> AsyncIterator[Effect]:
        """An effect that may happen more than once; its events carry the cause's tenant, correlation and computed ids."""
        async with self.pool.acquire() as connection, connection.transaction():
            yield Effect(connection, self._outbox, cause, cause.tenant_id if cause else tenant_id)
            self._failpoints.reach(Place.BEFORE_COMMIT)
        self._relay.wake()
