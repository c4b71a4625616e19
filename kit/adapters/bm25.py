"""Sparse vectors by the BM25 encoder inside `qdrant-edge-py`: offline, in process, the same weights a Qdrant server would compute."""

from collections.abc import Sequence

import qdrant_edge

from kit.ports.sparse import SparseVector

# Terms a chunk of 254 MiniLM tokens has after stop words (74 to 96 in three English texts); it need not be exact.
AVERAGE_TERMS = 80.0


class Bm25Encoder:
    """`SparseEncoder` for English: Snowball stems, stop words left out, k = 1.2, b = 0.75.

    Documents encoded with another `average_terms` are not comparable: change it only with a new index generation.
    """

    def __init__(self, average_terms: float = AVERAGE_TERMS) -> None:
        self._model = qdrant_edge.Bm25(qdrant_edge.Bm25Config(k=1.2, b=0.75, avg_len=average_terms, language="english"))

    def encode_documents(self, texts: Sequence[str]) -> list[SparseVector]:
        return [_vector(self._model.embed_document(text)) for text in texts]

    def encode_query(self, text: str) -> SparseVector:
        return _vector(self._model.embed_query(text))


def _vector(made: qdrant_edge.SparseVector) -> SparseVector:
    return SparseVector(tuple(made.indices), tuple(made.values))
