"""Sentence models in ONNX files, by the mean of their token vectors."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from kit.adapters.model_files import ModelFolder
from kit.adapters.onnx_text import OnnxText
from kit.errors import Permanent
from kit.ports.embedding import Vectors


class OnnxEmbedding:
    """`EmbeddingModel`: the mean of the token vectors, special tokens included, at length 1. `close` ends the threads of `network`."""

    def __init__(self, name: str, dimensions: int, network: OnnxText) -> None:
        self.name = name
        self.dimensions = dimensions
        self.network = network

    @property
    def max_tokens(self) -> int:
        return self.network.max_tokens

    def close(self) -> None:
        """Ends the threads after the texts in hand."""
        self.network.close()

    def count_tokens(self, text: str) -> int:
        return self.network.count_tokens(text)

    async def embed(self, texts: Sequence[str]) -> Vectors:
        vectors = await self.network.each(self._vector, texts)
        return np.array(vectors, np.float32).reshape(len(texts), self.dimensions)

    def _vector(self, text: str) -> Vectors:
        mean: Vectors = self.network.run(text).mean(axis=0)
        return mean / np.linalg.norm(mean)


def folder_embedding(folder: Path, max_tokens: int | None, threads: int) -> OnnxEmbedding:
    """The model of a folder (`model.onnx`, `tokenizer.json`), its dimensions read from what it makes of a text.

    Raises Permanent `model_missing` without these files, and `model_unusable` if they are no such model.
    """
    held = ModelFolder(folder)
    network = OnnxText(held.model, held.tokenizer, max_tokens, threads=threads)
    shape = network.probe()
    if len(shape) != 2:
        told = f"{held.model} gives no vectors of tokens, but shape {shape}; export it with its last_hidden_state"
        raise Permanent("model_unusable", told)
    return OnnxEmbedding(held.name(), shape[1], network)
