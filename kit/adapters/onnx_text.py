"""Text models in ONNX files, run in threads of their own."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as runtime
from tokenizers import Encoding, Tokenizer

from kit.errors import Permanent

T = TypeVar("T")
R = TypeVar("R")
Array = NDArray[np.float32]

_INPUTS = {"input_ids", "attention_mask", "token_type_ids"}
_PREFERRED = ("last_hidden_state", "token_embeddings", "logits")
_UNUSABLE = (runtime.Fail, runtime.InvalidArgument, runtime.InvalidGraph, runtime.InvalidProtobuf, runtime.NotImplemented)
_PROBE = "a "


class OnnxText:
    """A network over the tokens of a text, or of a pair of texts, and its tokenizer. Tokens beyond `max_tokens` are cut off.

    One text a run: batches are slower on a CPU (padding), take more memory, and would make a result depend on its neighbours. `threads` is
    how many are run at once. Without `max_tokens` the tokenizer's own limit holds, or `otherwise`. Close it to end its threads.
    """

    def __init__(self, model: Path, tokenizer: Path, max_tokens: int | None = None, *, threads: int = 1, otherwise: int = 256) -> None:
        self._cutting, self._counting = Tokenizer.from_file(str(tokenizer)), Tokenizer.from_file(str(tokenizer))
        self.max_tokens: int = max_tokens or (self._counting.truncation or {}).get("max_length") or otherwise
        self._counting.no_truncation()
        self._cutting.enable_truncation(self.max_tokens)
        for one in (self._cutting, self._counting):
            one.no_padding()
        self._session = _session(model)
        self._inputs = {one.name for one in self._session.get_inputs()}
        if not {"input_ids"} <= self._inputs <= _INPUTS:
            raise _unusable(model, f"its inputs are {sorted(self._inputs)}, not some of {sorted(_INPUTS)}")
        names = [one.name for one in self._session.get_outputs()]
        self._output = next((name for name in _PREFERRED if name in names), names[0])
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="onnx")

    def close(self) -> None:
        """Ends the threads after the texts in hand."""
        self._pool.shutdown(cancel_futures=True)

    def count_tokens(self, text: str) -> int:
        """Tokens of `text`, all of them, without special ones."""
        return len(self._counting.encode(text, add_special_tokens=False).ids)

    async def each(self, work: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """`work` on every item in the threads; results in order. Calls made at the same time share the threads item by item."""
        results: dict[int, R] = {}
        waiting = iter(enumerate(items))
        await asyncio.gather(*(self._work(work, waiting, results) for _ in range(min(self._threads, len(items)))))
        return [results[position] for position in range(len(items))]

    async def _work(self, work: Callable[[T], R], waiting: Iterator[tuple[int, T]], results: dict[int, R]) -> None:
        loop = asyncio.get_running_loop()
        for position, item in waiting:
            results[position] = await loop.run_in_executor(self._pool, work, item)

    def run(self, text: str, pair: str | None = None) -> Array:
        """What the network makes of a text: for hidden states of shape (tokens, dimensions), special tokens first and last."""
        return self._run(self._cutting.encode(text, pair))

    def without_special(self, text: str) -> Array:
        """The hidden states of the text's own tokens, shape (tokens, dimensions)."""
        encoding = self._cutting.encode(text)
        own: Array = self._run(encoding)[np.array(encoding.special_tokens_mask) == 0]
        return own

    def probe(self, pair: str | None = None) -> tuple[int, ...]:
        """The shape of what comes of the longest text. Raises Permanent `model_unusable` if the network takes none so long."""
        try:
            return self.run(_PROBE * self.max_tokens, pair).shape
        except (runtime.RuntimeException, *_UNUSABLE) as error:
            raise Permanent("model_unusable", f"the model takes no text of {self.max_tokens} tokens; set fewer: {error}") from error

    def _run(self, encoding: Encoding) -> Array:
        ids = np.array([encoding.ids], np.int64)
        given = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.array([encoding.type_ids], np.int64)}
        found: Array = self._session.run([self._output], {name: given[name] for name in self._inputs})[0][0]
        return found


def _session(model: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # as fast without, and the memory goes back after a run
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except _UNUSABLE as error:
        raise _unusable(model, str(error)) from error


def _unusable(model: Path, reason: str) -> Permanent:
    return Permanent("model_unusable", f"{model} is no text model that runs here; export it again: {reason}")
