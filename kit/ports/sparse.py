"""The role that turns texts into sparse (lexical) vectors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class SparseVector:
    """Term weights: `indices` are distinct term ids (unsigned 32 bit), `values` their weights, the same length."""

    indices: tuple[int, ...]
    values: tuple[float, ...]


class SparseEncoder(Protocol):
    """Promise: BM25 term weights without the IDF factor, which the store applies, for documents; weight 1 a distinct term for queries.

    A term that stands tf times in a text of L terms weighs tf (k + 1) / (tf + k (1 - b + b L / average L)). Equal texts give equal vectors.
    Source: Robertson and Zaragoza (2009), The Probabilistic Relevance Framework, eq. 3.15.
    """

    def encode_documents(self, texts: Sequence[str]) -> list[SparseVector]:
        """One vector a text; a text without terms gives an empty vector."""
        ...

    def encode_query(self, text: str) -> SparseVector:
        """The query's vector; a query without terms gives an empty vector."""
        ...
