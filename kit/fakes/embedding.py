"""An in-memory embedding model: texts that share words have similar vectors."""

import re
import zlib
from collections import Counter
from collections.abc import Sequence

import numpy as np

from kit.ports.embedding import Vectors

_WORD = re.compile(r"\w+")


class HashEmbedding:
    """`EmbeddingModel` that adds a random direction for every word, always the same for the same word; `calls` lists what was embedded."""

    max_tokens = 256

    def __init__(self, dimensions: int = 64) -> None:
        self.name = f"hash-{dimensions}"
        self.dimensions = dimensions
        self.calls: list[tuple[str, ...]] = []

    def count_tokens(self, text: str) -> int:
        return len(_WORD.findall(text))

    async def embed(self, texts: Sequence[str]) -> Vectors:
        self.calls.append(tuple(texts))
        return np.stack([self._vector(text) for text in texts]) if texts else np.empty((0, self.dimensions), np.float32)

    def _vector(self, text: str) -> Vectors:
        words = Counter(_WORD.findall(text.lower())) or Counter([""])
        total = sum((count * self._direction(word) for word, count in words.items()), np.zeros(self.dimensions))
        vector: Vectors = (total / np.linalg.norm(total)).astype(np.float32)
        return vector

    def _direction(self, word: str) -> Vectors:
        direction: Vectors = np.random.default_rng(zlib.crc32(word.encode())).standard_normal(self.dimensions).astype(np.float32)
        return direction
