"""Moves of labels are told to every process over Redis. One that does not hear forgets what it knows after `Lookup`'s seconds anyway."""

import json
from typing import Protocol

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from kit.clock import Clock
from services.rag.registry.entry import Entry, Kind

log = structlog.get_logger(__name__)

CHANNEL = "rag:registry"
RETRY_S = 1.0


class Forgetful(Protocol):
    """Promise: what was forgotten is read again before it is used."""

    def forget(self, entry: Entry | None = None, label: str = "") -> None:
        """Forgets where that label points, or where all do."""
        ...


class Changes:
    """Tells and hears of moves. A Redis that does not answer costs time, never a move."""

    def __init__(self, redis: Redis, lookup: Forgetful, clock: Clock) -> None:
        self._redis = redis
        self._lookup = lookup
        self._clock = clock

    async def tell(self, entry: Entry, label: str) -> None:
        """Says that a label was moved: to this process at once, to the others if Redis answers."""
        self._lookup.forget(entry, label)
        try:
            await self._redis.publish(CHANNEL, json.dumps([entry.kind, entry.tenant_id, entry.name, label]))
        except RedisError as error:
            log.warning("registry.change_untold", reason=str(error))

    async def hear(self) -> None:
        """Goes on until cancelled; waits while Redis is away."""
        while True:
            try:
                await self._listen()
            except RedisError as error:
                log.warning("registry.deaf", reason=str(error))
            await self._clock.sleep(RETRY_S)

    async def _listen(self) -> None:
        async with self._redis.pubsub() as channel:
            await channel.subscribe(CHANNEL)
            while True:
                message = await channel.get_message(timeout=None)
                if message and message["type"] == "message":
                    self._heard(message["data"])
                else:
                    self._lookup.forget()  # it has just subscribed, and nobody knows what was told before

    def _heard(self, data: bytes) -> None:
        try:
            kind, tenant_id, name, label = json.loads(data)
            self._lookup.forget(Entry(Kind(kind), tenant_id, name), label)
        except (ValueError, TypeError):
            log.warning("registry.change_unreadable", size=len(data))
            self._lookup.forget()
