"""Vectors are kept in Redis: what an evaluation, a replay or a retry asks again is embedded once."""

import asyncio
from collections.abc import Sequence
from hashlib import sha256

import numpy as np
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from kit.errors import DependencyDown
from kit.ports.embedding import EmbeddingModel, Vectors

# A cache that is slower than what it saves is none.
TIMEOUT_S = 0.25
AWAY = (RedisError, OSError, TimeoutError)
log = structlog.get_logger(__name__)

_TTL_S = 24 * 3600


class CachedEmbedding:
    """An embedding model behind a cache. One that does not answer costs time, never an answer."""

    def __init__(self, model: EmbeddingModel, redis: Redis, timeout_s: float = TIMEOUT_S) -> None:
        self._model = model
        self._redis = redis
        self._timeout_s = timeout_s

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def dimensions(self) -> int:
        return self._model.dimensions

    @property
    def max_tokens(self) -> int:
        return self._model.max_tokens

    def count_tokens(self, text: str) -> int:
        return self._model.count_tokens(text)

    async def embed(self, texts: Sequence[str]) -> Vectors:
        vectors = await self._kept(texts) if texts else {}
        missing = [text for text in dict.fromkeys(texts) if text not in vectors]
        if missing:
            fresh = dict(zip(missing, await self._model.embed(missing), strict=True))
            await self._keep(fresh)
            vectors |= fresh
        return np.array([vectors[text] for text in texts], np.float32).reshape(len(texts), self.dimensions)

    async def ping(self) -> None:
        """Raises DependencyDown if the cache does not answer."""
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._redis.ping()
        except AWAY as error:
            raise DependencyDown("redis_down", f"Redis does not answer: {error}") from error

    async def _kept(self, texts: Sequence[str]) -> dict[str, Vectors]:
        try:
            async with asyncio.timeout(self._timeout_s):
                values = await self._redis.mget([self._key(text) for text in texts])
        except AWAY as error:
            log.warning("cache.unavailable", reason=str(error))
            return {}
        return {text: np.frombuffer(value, dtype="<f4") for text, value in zip(texts, values, strict=True) if isinstance(value, bytes)}

    async def _keep(self, vectors: dict[str, Vectors]) -> None:
        try:
            async with asyncio.timeout(self._timeout_s), self._redis.pipeline(transaction=False) as pipe:
                for text, vector in vectors.items():
                    pipe.set(self._key(text), vector.astype("<f4").tobytes(), ex=_TTL_S)
                await pipe.execute()
        except AWAY as error:
            log.warning("cache.unavailable", reason=str(error))

    def _key(self, text: str) -> str:
        return f"rag:vector:{self.name}:{sha256(text.encode()).hexdigest()}"
