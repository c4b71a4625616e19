"""An in-memory sparse encoder: BM25 weights over lower-case words, without stems or stop words."""

import re
import zlib
from collections import Counter
from collections.abc import Sequence

from kit.ports.sparse import SparseVector

_WORD = re.compile(r"\w+")
_K, _B, _AVERAGE = 1.2, 0.75, 80.0


class WordEncoder:
    """`SparseEncoder` whose term ids are CRC-32 of the words."""

    def encode_documents(self, texts: Sequence[str]) -> list[SparseVector]:
        return [self._weigh(_terms(text)) for text in texts]

    def encode_query(self, text: str) -> SparseVector:
        terms = _terms(text)
        return SparseVector(tuple(terms), (1.0,) * len(terms))

    def _weigh(self, terms: Counter[int]) -> SparseVector:
        norm = _K * (1 - _B + _B * terms.total() / _AVERAGE)
        return SparseVector(tuple(terms), tuple(tf * (_K + 1) / (tf + norm) for tf in terms.values()))


def _terms(text: str) -> Counter[int]:
    return Counter(zlib.crc32(word.encode()) for word in _WORD.findall(text.lower()))
