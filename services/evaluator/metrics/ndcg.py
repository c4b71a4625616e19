"""Normalised discounted cumulative gain at k: the order of the whole list, by how much each one is worth."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from services.evaluator.metrics.ranking import K, relevance


def ndcg(ranking: Sequence[K], gains: Mapping[K, float], k: int) -> float:
    """DCG@k / DCG@k of the best possible order, from 0 to 1, with DCG@k = sum of gain / log2(rank + 1); what has no gain gives 0.

    Source: Järvelin and Kekäläinen (2002), ACM TOIS 20(4), in trec_eval's form `ndcg_cut.k` (linear gain).
    Raises ValueError as `relevance` does, of what has a positive gain.
    """
    relevance(ranking, {key for key, gain in gains.items() if gain > 0}, k)
    found = np.array([max(gains.get(key, 0.0), 0.0) for key in ranking[:k]])
    ideal = np.sort([gain for gain in gains.values() if gain > 0])[::-1][:k]
    return _dcg(found) / _dcg(ideal)


def _dcg(gains: NDArray[np.float64]) -> float:
    return float(np.sum(gains / np.log2(np.arange(len(gains)) + 2)))
