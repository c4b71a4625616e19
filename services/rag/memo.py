"""Remembered results: what was worked out for one key is kept in Redis, and asked for by several at once is worked out once."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from redis.asyncio import Redis

from kit.metrics import CACHE, CACHE_AWAY
from services.rag.cache import AWAY, TIMEOUT_S

log = structlog.get_logger(__name__)

T = TypeVar("T")


class Memo:
    """A cache that may be lost, full or away at any time: that costs time, never an answer. Values over `largest` bytes are not kept."""

    def __init__(self, redis: Redis, ttl_s: int, largest: int, timeout_s: float = TIMEOUT_S) -> None:
        self._redis = redis
        self._ttl_s = ttl_s
        self._largest = largest
        self._timeout_s = timeout_s
        self._away = False
        self._under_way: dict[str, asyncio.Future[None]] = {}

    async def get(self, key: str) -> bytes | None:
        """What is kept under `key`."""
        try:
            async with asyncio.timeout(self._timeout_s):
                value = await self._redis.get(key)
        except AWAY as error:
            self._is_away(error)
            return None
        self._is_back()
        return value if isinstance(value, bytes) else None

    async def put(self, key: str, value: bytes) -> None:
        """Keeps `value`, if it can be."""
        if len(value) > self._largest:
            return
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._redis.set(key, value, ex=self._ttl_s)
        except AWAY as error:
            self._is_away(error)

    async def once(self, key: str, known: Callable[[], Awaitable[T | None]], work: Callable[[], Awaitable[T]]) -> T:
        """What `known` gives, or else `work` does. Who comes while somebody works for the same key waits, and then looks again.

        Each that finds nothing then works for itself: a failure is not handed on.
        """
        if (found := await self._looked(key, known)) is not None:
            return found
        if (other := self._under_way.get(key)) is not None:
            await asyncio.wait([other])
            if (found := await self._looked(key, known)) is not None:
                return found
        mine = self._under_way.setdefault(key, asyncio.get_running_loop().create_future())
        try:
            return await work()
        finally:
            if self._under_way.get(key) is mine:
                del self._under_way[key]
            if not mine.done():
                mine.set_result(None)

    @staticmethod
    async def _looked(key: str, known: Callable[[], Awaitable[T | None]]) -> T | None:
        found = await known()
        CACHE.labels(key.split(":")[1], "miss" if found is None else "hit").inc()
        return found

    def _is_away(self, error: BaseException) -> None:
        CACHE_AWAY.set(1)
        if not self._away:
            log.warning("cache.away", reason=str(error) or type(error).__name__)
        self._away = True

    def _is_back(self) -> None:
        if self._away:
            log.info("cache.back")
        self._away = False
        CACHE_AWAY.set(0)
