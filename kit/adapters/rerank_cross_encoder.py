"""Reranking by a cross-encoder: a network that reads question and text together."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from kit.adapters.model_files import ModelFolder
from kit.adapters.onnx_text import OnnxText
from kit.errors import Permanent

_MAX_TOKENS = 512


class CrossEncoder:
    """`Reranker` whose score is the network's logit for "relevant". Close it to end its threads."""

    def __init__(self, name: str, network: OnnxText) -> None:
        self.name = f"cross-encoder-{name}"
        self._network = network

    def close(self) -> None:
        """Ends the threads after the texts in hand."""
        self._network.close()

    async def rerank(self, question: str, texts: Sequence[str]) -> list[float]:
        return await self._network.each(partial(self._score, question), texts)

    def _score(self, question: str, text: str) -> float:
        logits = self._network.run(question, text)
        return float(logits[-1] if len(logits) == 1 else logits[-1] - logits[0])


def folder_cross_encoder(folder: Path, max_tokens: int | None, threads: int) -> CrossEncoder:
    """The cross-encoder of a folder (`model.onnx`, `tokenizer.json`): one logit, or two of which the second says "relevant".

    Raises Permanent `model_missing` without these files, and `model_unusable` if they are no such model.
    """
    held = ModelFolder(folder)
    network = OnnxText(held.model, held.tokenizer, max_tokens, threads=threads, otherwise=_MAX_TOKENS)
    shape = network.probe("a")
    if shape not in ((1,), (2,)):
        raise Permanent(
            "model_unusable", f"{held.model} gives shape {shape} for a pair of texts, not one logit or two; take a cross-encoder"
        )
    return CrossEncoder(held.name(), network)
