"""The transaction of an effect: its inbox row, the writes and the events that tell of it are committed together or not at all."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import asyncpg

from contracts.base import Event
from contracts.codec import Received
from contracts.envelope import DEFAULT_TENANT, Envelope
from kit.clock import Clock
from kit.failpoints import Failpoints, Place
from kit.ids import IdSource
from kit.inbox import Inbox
from kit.outbox import Outbox, Told
from kit.relay import Relay


@dataclass(frozen=True, slots=True)
class Effect:
    """A transaction under way: write with `connection`, tell with `publish`."""

    connection: asyncpg.Connection
    outbox: Outbox
    cause: Envelope | None
    tenant_id: str
    told: list[Told] = field(default_factory=list)

    async def publish(self, event: Event, part: int = 0) -> str:
        """Tells `event` if and when this transaction commits; `part` tells several events of one type apart. Returns the event's id."""
        self.told.append(self.outbox.tell(event, self.cause, part, self.tenant_id))
        return self.told[-1].event_id


@dataclass(frozen=True, slots=True)
class _Shared:
    """A transaction under way that several events have their effects in; they are claimed for it."""

    whole: Effect
    claimed: frozenset[tuple[str, str]]

    def effect_of(self, event: Received[Event]) -> Effect | None:
        envelope = event.envelope
        if (envelope.source, envelope.id) not in self.claimed:
            return None
        return Effect(self.whole.connection, self.whole.outbox, envelope, envelope.tenant_id, self.whole.told)


_SHARED: ContextVar[_Shared | None] = ContextVar("shared", default=None)


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

    def told(self, event: Event, tenant_id: str = DEFAULT_TENANT) -> Told:
        """`event` as it would be told now, in an envelope of its own: committed when an effect takes it up. Raises as `Outbox.tell`."""
        return self._outbox.tell(event, None, 0, tenant_id)

    async def forget_old(self) -> None:
        """Drops what the inbox need not remember any more."""
        await self.inbox.forget_old(self.pool)

    @asynccontextmanager
    async def once(self, event: Received[Event]) -> AsyncIterator[Effect]:
        """The one effect of `event` in this consumer group. Raises AlreadyHandled if it has had it, Permanent if its id was reused.

        Within `together` it is a part of the shared transaction, and is committed with that.
        """
        shared = _SHARED.get()
        effect = shared.effect_of(event) if shared else None
        if effect is not None:
            yield effect
            self._failpoints.reach(Place.AFTER_EFFECT)
            self._failpoints.reach(Place.MID_BATCH)
            return
        async with self.caused_by(event.envelope) as effect:
            await self.inbox.record(effect.connection, event)
            yield effect
            self._failpoints.reach(Place.AFTER_EFFECT)

    @asynccontextmanager
    async def together(self, events: Sequence[Received[Event]]) -> AsyncIterator[Sequence[Received[Event]]]:
        """One transaction for the effects of several events: gives those that have not had theirs yet, for the block to take to `once`.

        All of them are committed at its end, or none. Raises Permanent if an id was reused, and a database error if one comes twice.
        """
        async with self.caused_by(None) as whole:
            fresh = await self.inbox.record_all(whole.connection, events)
            token = _SHARED.set(_Shared(whole, frozenset((event.envelope.source, event.envelope.id) for event in fresh)))
            try:
                yield fresh
            finally:
                _SHARED.reset(token)

    @asynccontextmanager
    async def caused_by(self, cause: Envelope | None, tenant_id: str = DEFAULT_TENANT) -> AsyncIterator[Effect]:
        """An effect that may happen more than once; its events carry the cause's tenant, correlation and computed ids."""
        async with self.pool.acquire() as connection, connection.transaction():
            effect = Effect(connection, self._outbox, cause, cause.tenant_id if cause else tenant_id)
            yield effect
            await self._outbox.write(connection, effect.told)
            self._failpoints.reach(Place.BEFORE_COMMIT)
        self._relay.wake()
