"""Reranking by late interaction: every token of the question looks for its likeness in the text."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from kit.adapters.onnx_text import OnnxText

TokenVectors = NDArray[np.float16]


class MaxSim:
    """`Reranker`: the mean over the question's tokens of the best cosine with any token of the text; -1 if either has none.

    Source: Khattab and Zaharia (2020), ColBERT, eq. 3, as a mean instead of a sum, and with the hidden states of a sentence model that was
    not trained for it. The token vectors of recent texts are remembered, in half precision, up to `remembered_bytes`: a text costs some
    50 ms the first time and nothing after. A caller that stops waiting leaves what is read to the next. `network` stays the caller's.
    """

    def __init__(self, name: str, network: OnnxText, remembered_bytes: int) -> None:
        self.name = f"maxsim-{name}"
        self._network = network
        self._recent = RecentVectors(remembered_bytes)

    async def rerank(self, question: str, texts: Sequence[str]) -> list[float]:
        held = {text: vectors for text in {*texts} if (vectors := self._recent.get(text)) is not None}
        new = [text for text in dict.fromkeys([question, *texts]) if text not in held]
        held |= dict(zip(new, await self._network.each(self._read, new), strict=True))
        return await asyncio.to_thread(lambda: [maxsim(held[question], held[text]) for text in texts])

    def _read(self, text: str) -> TokenVectors:
        vectors = self._network.without_special(text)
        scaled: TokenVectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)
        self._recent.put(text, scaled)
        return scaled


class RecentVectors:
    """The token vectors of the texts used last, as many as fit into `limit` bytes. Safe to use from several threads."""

    def __init__(self, limit: int) -> None:
        self.bytes = 0
        self._limit = limit
        self._held: OrderedDict[str, TokenVectors] = OrderedDict()
        self._lock = Lock()

    def get(self, text: str) -> TokenVectors | None:
        """What is held of a text."""
        with self._lock:
            if text in self._held:
                self._held.move_to_end(text)
            return self._held.get(text)

    def put(self, text: str, vectors: TokenVectors) -> None:
        """Holds it, and drops what was used longest ago."""
        with self._lock:
            before = self._held.pop(text, None)
            self._held[text] = vectors
            self.bytes += vectors.nbytes - (before.nbytes if before is not None else 0)
            while self.bytes > self._limit:
                self.bytes -= self._held.popitem(last=False)[1].nbytes


def maxsim(question: TokenVectors, text: TokenVectors) -> float:
    """The mean over the question's tokens, shape (tokens, dimensions) at length 1, of the best cosine with any token of the text."""
    if not len(question) or not len(text):
        return -1.0
    return float((question.astype(np.float32) @ text.astype(np.float32).T).max(axis=1).mean())
