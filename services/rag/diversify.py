"""What is said twice does not help twice: which hits to keep, by how alike their vectors are."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kit.fusion import min_max
from kit.ports.vectors import Hit


def distinct(hits: Sequence[Hit], likeness: float) -> list[Hit]:
    """Hits in their order, without those whose cosine to a better one reaches `likeness`. Each must have its vector."""
    alike = _cosines(hits)
    kept: list[int] = []
    for position in range(len(hits)):
        if all(alike[position, other] < likeness for other in kept):
            kept.append(position)
    return [hits[position] for position in kept]


def diverse(hits: Sequence[Hit], relevance: float, limit: int) -> list[Hit]:
    """The `limit` hits chosen one after another by maximal marginal relevance, in the order of choice. Each must have its vector.

    The next is the one with the largest lambda * score - (1 - lambda) * its largest cosine to a chosen one, where lambda is `relevance`
    (1 keeps the order) and scores are mapped to 0..1. Of equals the better hit is taken. Source: Carbonell and Goldstein (1998), SIGIR.
    """
    if not hits:
        return []
    alike, scores = _cosines(hits), np.array(min_max([hit.score for hit in hits]))
    said = np.zeros(len(hits))
    chosen: list[int] = []
    for _ in range(min(limit, len(hits))):
        worth = relevance * scores - (1 - relevance) * said
        worth[chosen] = -np.inf
        best = int(worth.argmax())
        said = np.maximum(said, alike[best]) if chosen else alike[best]
        chosen.append(best)
    return [hits[position] for position in chosen]


def _cosines(hits: Sequence[Hit]) -> NDArray[np.float32]:
    """How alike each two hits are, shape (hits, hits). Vectors have length 1."""
    vectors = np.array([hit.vector for hit in hits if hit.vector is not None], np.float32)
    if len(vectors) < len(hits):
        raise ValueError("hits without vectors cannot be compared; search with VectorQuery(vectors=True)")
    alike: NDArray[np.float32] = vectors @ vectors.T
    return alike
