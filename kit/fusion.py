"""Fusion: several rankings of the same things become one. Every vector store uses this, so that all of them rank alike.

* DBSF, distribution-based score fusion: each list's scores are mapped so that mean - 3 sigma (of the sample) becomes 0 and mean + 3 sigma
  becomes 1, a list without spread to 0.5; then they are summed. Source: Mazzeschi (2023), as in Qdrant's `dbsf`.
* RRF, reciprocal rank fusion: the sum of 1 / (60 + rank), ranks from 1. Source: Cormack, Clarke and Büttcher (2009), SIGIR.
* Convex: each list's scores are mapped so that the worst becomes 0 and the best 1, a list without spread to 1; then they are summed by
  weight. Source: Bruch, Gai and Ingber (2023), An Analysis of Fusion Functions for Hybrid Retrieval, ACM TOIS.

What is missing from a list gets 0 from it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import sqrt
from typing import Generic, TypeVar
from uuid import UUID

K = TypeVar("K", str, UUID)

RRF_K = 60


class Fusion(StrEnum):
    """How rankings become one."""

    DBSF = "dbsf"
    RRF = "rrf"
    CONVEX = "convex"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a list has a thing: its rank, from 1, and its score there."""

    rank: int
    score: float


@dataclass(frozen=True, slots=True)
class Fused(Generic[K]):
    """A thing with its fused score, and its place in each list that has it, by the list's name."""

    key: K
    score: float
    places: Mapping[str, Place] = field(hash=False)


def fuse(rankings: Mapping[str, Sequence[tuple[K, float]]], fusion: Fusion, weights: Mapping[str, float] | None = None) -> list[Fused[K]]:
    """Orders whatever the named lists of (key, score) have, best first; equal scores by key. A list's own order does not matter.

    A single list keeps its scores. `weights`, by name, are for convex fusion alone; without them all lists weigh the same.
    """
    ordered = {name: sorted(ranking, key=_best_first) for name, ranking in rankings.items()}
    scores: dict[K, float] = {}
    places: dict[K, dict[str, Place]] = {}
    for name, ranking in ordered.items():
        weight = weights[name] if weights and fusion is Fusion.CONVEX else 1.0
        points = [score for _, score in ranking] if len(ordered) == 1 else _points(ranking, fusion)
        for rank, ((key, score), worth) in enumerate(zip(ranking, points, strict=True), 1):
            scores[key] = scores.get(key, 0.0) + weight * worth
            places.setdefault(key, {})[name] = Place(rank, score)
    return [Fused(key, score, places[key]) for key, score in sorted(scores.items(), key=_best_first)]


def _best_first(pair: tuple[K, float]) -> tuple[float, K]:
    return (-pair[1], pair[0])


def _points(ranking: Sequence[tuple[K, float]], fusion: Fusion) -> list[float]:
    scores = [score for _, score in ranking]
    match fusion:
        case Fusion.RRF:
            return [1 / (RRF_K + rank) for rank in range(1, len(scores) + 1)]
        case Fusion.CONVEX:
            return min_max(scores)
        case Fusion.DBSF:
            return _spread(scores)


def min_max(scores: Sequence[float]) -> list[float]:
    """Maps scores so that the worst becomes 0 and the best 1; without spread all become 1."""
    low, high = min(scores, default=0.0), max(scores, default=0.0)
    return [(score - low) / (high - low) for score in scores] if high > low else [1.0] * len(scores)


def _spread(scores: Sequence[float]) -> list[float]:
    if len(set(scores)) < 2:
        return [0.5] * len(scores)
    mean = sum(scores) / len(scores)
    sigma = sqrt(sum((score - mean) ** 2 for score in scores) / (len(scores) - 1))
    return [0.5 + (score - mean) / (6 * sigma) for score in scores]
