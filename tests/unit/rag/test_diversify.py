"""Which hits to keep, by how alike they are."""

import numpy as np
import pytest

from kit.ports.vectors import Hit
from services.rag.diversify import distinct, diverse
from tests.ports.vectors_fixtures import chunk, numbers, vector

EAST, NEAR_EAST, NORTH = (1.0, 0.0), (1.0, 0.1), (0.0, 1.0)


def hit(number: int, score: float, direction: tuple[float, ...]) -> Hit:
    """A hit with its vector."""
    return Hit(chunk(number), score, vector=vector(direction))


def test_what_is_almost_the_same_is_dropped() -> None:
    """The better of the two stays; the order stays."""
    hits = [hit(1, 0.9, EAST), hit(2, 0.8, NEAR_EAST), hit(3, 0.7, NORTH), hit(4, 0.6, NORTH)]

    assert numbers(distinct(hits, 0.99)) == [1, 3]
    assert numbers(distinct(hits, 0.999)) == [1, 2, 3]
    assert distinct([], 0.9) == []


def test_what_is_like_a_dropped_one_but_not_like_a_kept_one_stays() -> None:
    """Likeness is to what is kept: a chain of small steps is not dropped whole."""
    steps = [hit(n, 1 - n / 10, (float(np.cos(n / 5)), float(np.sin(n / 5)))) for n in range(4)]

    assert numbers(distinct(steps, 0.95)) == [0, 2]


def test_diversity_brings_the_other_side_forward() -> None:
    """Worth of the second choice: 0.5 * 0.875 - 0.5 * 0.995 for the twin, 0.5 * 0.5 - 0 for the other."""
    hits = [hit(1, 0.9, EAST), hit(2, 0.8, NEAR_EAST), hit(3, 0.5, NORTH), hit(4, 0.1, NORTH)]

    assert numbers(diverse(hits, 0.5, 3)) == [1, 3, 2]
    assert numbers(diverse(hits, 1.0, 3)) == [1, 2, 3]


def test_mmr_is_carbonells_formula() -> None:
    """Each choice again by the formula, word for word, over random vectors."""
    random = np.random.default_rng(3)
    hits = [hit(n, score, tuple(random.standard_normal(8))) for n, score in enumerate(random.random(12))]
    low, high = min(h.score for h in hits), max(h.score for h in hits)
    chosen: list[Hit] = []
    while len(chosen) < 6:
        rest = [h for h in hits if h not in chosen]
        said = {h.chunk.chunk_no: max((float(h.vector @ c.vector) for c in chosen), default=0.0) for h in rest}  # type: ignore[operator]
        chosen.append(max(rest, key=lambda h: 0.3 * (h.score - low) / (high - low) - 0.7 * said[h.chunk.chunk_no]))

    assert numbers(diverse(hits, 0.3, 6)) == numbers(chosen)


def test_fewer_hits_than_asked_for_are_all_kept() -> None:
    """None of them twice."""
    assert numbers(diverse([hit(1, 0.5, EAST), hit(2, 0.5, EAST)], 0.0, 5)) == [1, 2]
    assert diverse([], 0.5, 5) == []


def test_hits_without_vectors_cannot_be_compared() -> None:
    """The message says what to ask for."""
    with pytest.raises(ValueError, match="vectors=True"):
        distinct([Hit(chunk(1), 0.5)], 0.9)
