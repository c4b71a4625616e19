"""Thousands of chunks without thousands of embeddings: the handbook's words, as often as it uses them, under static vectors."""

from base64 import b64encode
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from contracts.chunks import ChunksEmbeddedV1, EmbeddedChunk
from contracts.media_types import PLAIN
from kit.adapters.minilm import DIMENSIONS, NAME
from kit.ids import chunk_id
from tests.bench.handbook import words

_CHUNKS_A_DOCUMENT = 50
_SHORTEST, _LONGEST = 60, 170  # words; a chunk of 254 tokens has about 170
_QUERY_WORDS = 8
_SEED = 20261122

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class SyntheticChunk:
    """A chunk by its place in the corpus; `vector` is the direction of its words' vectors, length 1."""

    number: int
    text: str
    vector: Vectors


class Corpus:
    """The same chunks, `size` of them, and the same queries in every process."""

    def __init__(self, size: int) -> None:
        self._size = size
        counts = Counter(words())
        self._words = np.array(list(counts))
        self._shares = np.array(list(counts.values()), float) / counts.total()
        self._vectors = unit_vectors(len(counts))

    def chunks(self) -> Iterator[SyntheticChunk]:
        """All of them, in order."""
        random = np.random.default_rng(_SEED)
        for number in range(self._size):
            drawn = self._drawn(random, int(random.integers(_SHORTEST, _LONGEST)))
            total = self._vectors[drawn].sum(axis=0)
            yield SyntheticChunk(number, " ".join(self._words[drawn]), total / np.linalg.norm(total))

    def queries(self, count: int) -> list[str]:
        """Distinct queries of a few words, with the stop words and rare words that questions have."""
        random = np.random.default_rng(_SEED + 1)
        found: dict[str, None] = {}
        while len(found) < count:
            found[" ".join(self._words[self._drawn(random, _QUERY_WORDS)])] = None
        return list(found)

    def events(self) -> Iterator[ChunksEmbeddedV1]:
        """What ingest would tell of them: one event a document of one version, named for the handbook's embedding model."""
        waiting: list[SyntheticChunk] = []
        for chunk in self.chunks():
            waiting.append(chunk)
            if len(waiting) == _CHUNKS_A_DOCUMENT:
                yield _event(waiting)
                waiting = []

    def _drawn(self, random: np.random.Generator, count: int) -> NDArray[np.intp]:
        return random.choice(len(self._words), count, p=self._shares)


def unit_vectors(count: int) -> Vectors:
    """Random directions, shape (count, DIMENSIONS): the same ones every time."""
    vectors = np.random.default_rng(_SEED + 2).standard_normal((count, DIMENSIONS), dtype=np.float32)
    lengths: Vectors = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / lengths


def _event(chunks: list[SyntheticChunk]) -> ChunksEmbeddedV1:
    document_id = f"bench-{chunks[0].number // len(chunks)}"
    text = "\n".join(chunk.text for chunk in chunks)
    return ChunksEmbeddedV1(
        document_id=document_id,
        document_version=1,
        document_sha256=sha256(text.encode()).hexdigest(),
        title=document_id,
        media_type=PLAIN,
        embedding_model=NAME,
        dimensions=DIMENSIONS,
        batch_no=0,
        batch_count=1,
        chunk_count=len(chunks),
        chunks=tuple(_embedded(document_id, number, chunk) for number, chunk in enumerate(chunks)),
    )


def _embedded(document_id: str, number: int, chunk: SyntheticChunk) -> EmbeddedChunk:
    # No text is stored that the offsets could point into, and a search does not look.
    return EmbeddedChunk(
        chunk_id=chunk_id(document_id, 1, number, NAME),
        chunk_no=number,
        text=chunk.text,
        start=0,
        end=len(chunk.text),
        vector=b64encode(chunk.vector.astype("<f4").tobytes()).decode(),
    )
