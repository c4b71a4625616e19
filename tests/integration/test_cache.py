"""rag's cache of vectors on a real Valkey server."""

from collections.abc import AsyncIterator
from uuid import uuid4

import numpy as np
import pytest
import redis.asyncio as redis

from kit.fakes.embedding import HashEmbedding
from services.rag.cache import CachedEmbedding
from workbench.stack.servers import Servers


@pytest.fixture
async def valkey(servers: Servers) -> AsyncIterator["redis.Redis"]:
    """A client."""
    async with redis.from_url(servers.redis) as client:
        yield client


async def test_a_text_is_embedded_once(valkey: "redis.Redis") -> None:
    """However often, and among whichever others, it is asked for."""
    model, one, two = HashEmbedding(), uuid4().hex, uuid4().hex
    cached = CachedEmbedding(model, valkey, timeout_s=30)
    first = await cached.embed([one])

    again = await cached.embed([two, one, two])

    assert model.calls == [(one,), (two,)]
    np.testing.assert_array_equal(again[1], first[0])
    np.testing.assert_array_equal(again[0], again[2])


async def test_a_cache_that_does_not_answer_costs_no_answer() -> None:
    """The model is asked each time."""
    model = HashEmbedding()
    cached = CachedEmbedding(model, redis.from_url("redis://127.0.0.1:1"))

    vectors = [await cached.embed(["text"]) for _ in range(2)]

    assert model.calls == [("text",), ("text",)]
    np.testing.assert_array_equal(vectors[0], vectors[1])
