"""Query vectors are kept in Redis: the questions of an evaluation, a replay or a retry are embedded once."""

from collections.abc import Sequence
from hashlib import sha256

import numpy as np
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from kit.ports.embedding import EmbeddingModel, Vectors

log = structlog.get_logger(__name__)

_TTL_S = 24 * 3600


class CachedEmbedding:
    """An embedding model behind a cache of single texts. A cache that does not answer costs time, never an answer."""

    def __init__(self, model: EmbeddingModel, redis: Redis) -> None:
        self._model = model
        self._redis = redis

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
        if len(texts) != 1:
            return await self._model.embed(texts)
        key = f"rag:vector:{self.name}:{sha256(texts[0].encode()).hexdigest()}"
        kept = await self._get(key)
        if kept is not None:
            return kept
        vectors = await self._model.embed(texts)
        await self._put(key, vectors)
        return vectors

    async def _get(self, key: str) -> Vectors | None:
        try:
            kept = await self._redis.get(key)
        except RedisError as error:
            log.warning("cache.unavailable", reason=str(error))
            return None
        return np.frombuffer(kept, dtype="<f4").reshape(1, -1) if isinstance(kept, bytes) else None

    async def _put(self, key: str, vectors: Vectors) -> None:
        try:
            await self._redis.set(key, vectors.astype("<f4").tobytes(), ex=_TTL_S)
        except RedisError as error:
            log.warning("cache.unavailable", reason=str(error))
