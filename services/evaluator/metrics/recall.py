"""Recall at k: how much of what is relevant was found."""

from collections.abc import Sequence, Set

from services.evaluator.metrics.ranking import K, relevance


def recall(ranking: Sequence[K], relevant: Set[K], k: int) -> float:
    """|first k ∩ relevant| / |relevant|, from 0 to 1. Source: trec_eval's `recall.k`. Raises ValueError as `relevance` does."""
    return float(relevance(ranking, relevant, k).sum() / len(relevant))
