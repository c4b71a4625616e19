"""Reciprocal rank at k, whose mean over questions is MRR@k: how far down the first relevant one stands."""

from collections.abc import Sequence, Set

import numpy as np

from services.evaluator.metrics.ranking import K, relevance


def reciprocal_rank(ranking: Sequence[K], relevant: Set[K], k: int) -> float:
    """1 / rank of the first relevant one, 0 if none is among the first k.

    Source: Voorhees (1999), The TREC-8 Question Answering Track Report. Raises ValueError as `relevance` does.
    """
    found = np.flatnonzero(relevance(ranking, relevant, k))
    return 1.0 / (int(found[0]) + 1) if len(found) else 0.0
