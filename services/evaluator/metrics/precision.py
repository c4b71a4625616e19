"""Precision at k: how much of what was found is relevant."""

from collections.abc import Sequence, Set

from services.evaluator.metrics.ranking import K, relevance


def precision(ranking: Sequence[K], relevant: Set[K], k: int) -> float:
    """|first k ∩ relevant| / k, from 0 to 1; places that a short ranking leaves empty count as misses.

    Source: trec_eval's `P.k`. Raises ValueError as `relevance` does.
    """
    return float(relevance(ranking, relevant, k).sum() / k)
