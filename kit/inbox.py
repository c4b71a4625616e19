"""The inbox: which events a consumer group has handled, recorded in the transaction of their effect."""

from collections.abc import Sequence
from datetime import timedelta

import asyncpg

from contracts.base import Event
from contracts.codec import Received
from kit.errors import Permanent
from kit.postgres import load_queries

# Longer than a topic and its dead letters together keep a record.
RETENTION = timedelta(days=90)


class AlreadyHandled(Exception):
    """The event's effect is committed; there is nothing left to do."""


class Inbox:
    """The handled events of one consumer group."""

    def __init__(self, group: str) -> None:
        self.group = group
        self._queries = load_queries("kit")

    async def record(self, connection: asyncpg.Connection, event: Received[Event]) -> None:
        """Claims `event` for the transaction of `connection`.

        Raises AlreadyHandled if it was claimed before, Permanent `event_id_reused` if that was with other data.
        """
        self._judge(event, await self._queries.record_inbox(connection, **self._row(event)))

    async def record_all(self, connection: asyncpg.Connection, events: Sequence[Received[Event]]) -> list[Received[Event]]:
        """Claims several events, none of which comes twice, and gives those that were not claimed before, in their order.

        Raises Permanent `event_id_reused` as `record` does.
        """
        told = {
            "sources": [e.envelope.source for e in events],
            "ids": [e.envelope.id for e in events],
            "digests": [e.digest for e in events],
        }
        rows = self._queries.record_all_in_inbox(connection, consumer_group=self.group, **told)
        handled = {(row["event_source"], row["event_id"]): row["handled"] async for row in rows}
        fresh = []
        for event in events:
            try:
                self._judge(event, handled[event.envelope.source, event.envelope.id])
            except AlreadyHandled:
                continue
            fresh.append(event)
        return fresh

    async def refuse_if_handled(self, connection: asyncpg.Connection | asyncpg.Pool, event: Received[Event]) -> None:
        """Raises as `record` does, and claims nothing: saves the work before a transaction."""
        row = self._row(event)
        del row["digest"]
        self._judge(event, await self._queries.seen_in_inbox(connection, **row))

    async def forget_old(self, pool: asyncpg.Pool) -> None:
        """Drops what was handled longer than `RETENTION` ago."""
        await self._queries.forget_old_inbox(pool, consumer_group=self.group, days=RETENTION.days)

    def _row(self, event: Received[Event]) -> dict[str, str]:
        envelope = event.envelope
        return {"consumer_group": self.group, "event_source": envelope.source, "event_id": envelope.id, "digest": event.digest}

    @staticmethod
    def _judge(event: Received[Event], handled: str | None) -> None:
        if handled is None:
            return
        if handled != event.digest:
            raise Permanent("event_id_reused", f"event {event.envelope.id} was handled with other data; give every event an id of its own")
        raise AlreadyHandled(event.envelope.id)
