"""OpenAI's embeddings, and the servers that speak the same (TEI, vLLM)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import bpe_openai
import numpy as np
import openai
from openai import AsyncOpenAI
from openai.types import CreateEmbeddingResponse

from kit.adapters.sdk_errors import translated, unreadable
from kit.errors import DependencyDown
from kit.ports.embedding import Vectors

# The tokenizer refuses texts of a million characters.
_COUNTED_CHARS = 50_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What a server takes: texts and tokens in one request, tokens of a text. `shortens`: it cuts vectors to the dimensions asked for."""

    batch_texts: int
    batch_tokens: int
    max_tokens: int
    shortens: bool


# The API's limits for one request, with room for a server that counts otherwise.
OPENAI = Limits(batch_texts=256, batch_tokens=250_000, max_tokens=8191, shortens=True)


def compatible(max_tokens: int) -> Limits:
    """Those of other servers: TEI takes 32 texts unless it is told otherwise, and vLLM refuses to be asked for dimensions."""
    return Limits(batch_texts=32, batch_tokens=250_000, max_tokens=max_tokens, shortens=False)


class OpenAIEmbedding:
    """`EmbeddingModel` over the SDK's client, which brings key, address and timeout and should not retry by itself (`max_retries=0`).

    A refused key is DependencyDown, not Permanent: it is no fault of the text, and no document should fail for it. Tokens are counted
    as OpenAI's models count them, which is an estimate for any other.
    """

    def __init__(self, client: AsyncOpenAI, model: str, dimensions: int, limits: Limits = OPENAI) -> None:
        self.name = f"{model}-{dimensions}"
        self.dimensions = dimensions
        self.max_tokens = limits.max_tokens
        self._client = client
        self._model = model
        self._limits = limits
        self._encoding = bpe_openai.get_encoding("cl100k_base")

    def count_tokens(self, text: str) -> int:
        parts = (text[at : at + _COUNTED_CHARS] for at in range(0, len(text), _COUNTED_CHARS))
        return sum(len(self._encoding.encode_ordinary(part)) for part in parts)

    async def embed(self, texts: Sequence[str]) -> Vectors:
        batches = [await self._embed(batch) for batch in self._batches(texts)]
        return np.concatenate([np.empty((0, self.dimensions), np.float32), *batches])

    def _batches(self, texts: Sequence[str]) -> Iterator[list[str]]:
        batch: list[str] = []
        tokens = 0
        for text in texts:
            count = self.count_tokens(text)
            if batch and (len(batch) == self._limits.batch_texts or tokens + count > self._limits.batch_tokens):
                yield batch
                batch, tokens = [], 0
            batch.append(text)
            tokens += count
        if batch:
            yield batch

    async def _embed(self, batch: list[str]) -> Vectors:
        with translated(openai, "embedding", refused_key=DependencyDown):
            found = await self._client.embeddings.create(
                model=self._model,
                input=batch,
                dimensions=self.dimensions if self._limits.shortens else openai.omit,
                encoding_format="float",
            )
        return self._vectors(found, len(batch))

    def _vectors(self, found: CreateEmbeddingResponse, count: int) -> Vectors:
        if not isinstance(found, CreateEmbeddingResponse) or len(found.data or ()) != count:
            raise unreadable("embedding", f"it has not {count} embeddings")
        vectors = np.array([item.embedding for item in sorted(found.data, key=lambda item: item.index)], np.float32)
        if vectors.shape[1] != self.dimensions:
            reason = f"{self._model} gives {vectors.shape[1]} dimensions, not {self.dimensions}; set the right number"
            raise DependencyDown("embedding_dimensions_wrong", reason)
        scaled: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return scaled
