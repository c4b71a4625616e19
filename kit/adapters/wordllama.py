"""WordLlama in this process: static token vectors (l2_supercat, 256 dimensions) from a wheel, offline. Fast, and weaker than MiniLM.

Only the files of the wheel are used: importing the package would configure the logging of the whole process. Its code is MIT; the weights
come from the token embeddings of Llama 2 and others, so look at their licences before it serves in production.
"""

import asyncio
import json
from collections.abc import Sequence

import numpy as np
from tokenizers import Tokenizer

from kit.adapters.model_files import PackagedFile
from kit.ports.embedding import Vectors

_WEIGHTS = PackagedFile(
    "wordllama",
    "wordllama/weights/l2_supercat_256.safetensors",
    "64b47a2dc493cb8e85944076601189739852d7b64e0e1eedcb1937a251cd9fd5",
)
_TOKENIZER = PackagedFile(
    "wordllama",
    "wordllama/tokenizers/l2_supercat_tokenizer_config.json",
    "93248f2a9ec36c7b35f700a033d5f36228aae48db61aee31007fa49062cdeb68",
)
_UNKNOWN = 0
# Texts embedded in one go, about 2 ms: tokenizing leaves Python's lock alone, but the rest does not.
_BATCH = 8


class WordLlama:
    """`EmbeddingModel`: the mean of the vectors of all tokens, at length 1. None is too long for it; `max_tokens` keeps chunks short."""

    name = "wordllama-l2-supercat-256"
    dimensions = 256
    max_tokens = 256

    def __init__(self) -> None:
        self._tokenizer = Tokenizer.from_file(str(_TOKENIZER.find()))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._vectors = _read(_WEIGHTS.find().read_bytes())

    def count_tokens(self, text: str) -> int:
        return len(self._ids(text))

    async def embed(self, texts: Sequence[str]) -> Vectors:
        vectors = np.empty((len(texts), self.dimensions), np.float32)
        for first in range(0, len(texts), _BATCH):
            batch = texts[first : first + _BATCH]
            vectors[first : first + len(batch)] = await asyncio.to_thread(self._embed, batch)
        return vectors

    def _embed(self, texts: Sequence[str]) -> list[Vectors]:
        return [self._vector(text) for text in texts]

    def _vector(self, text: str) -> Vectors:
        mean: Vectors = self._vectors[self._ids(text) or [_UNKNOWN]].mean(axis=0)
        return mean / np.linalg.norm(mean)

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids


def _read(file: bytes) -> Vectors:
    """The one matrix of a safetensors file: the length of a JSON header in 8 bytes, the header, the numbers."""
    begin = 8 + int.from_bytes(file[:8], "little")
    [shape] = [tensor["shape"] for tensor in json.loads(file[8:begin]).values()]
    return np.frombuffer(file, "<f2", offset=begin).reshape(shape).astype(np.float32)
