"""What every metric of a ranking begins with."""

from collections.abc import Collection, Hashable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

K = TypeVar("K", bound=Hashable)


def relevance(ranking: Sequence[K], relevant: Collection[K], k: int) -> NDArray[np.bool_]:
    """Whether each of the first `k` of `ranking`, best first, is relevant; shorter than `k` if the ranking is.

    Raises ValueError if nothing is relevant, since then there is nothing to find, if `k` is not positive, or if something is ranked twice.
    """
    if not relevant:
        raise ValueError("nothing is relevant: leave the question out, a score of it would mean nothing")
    if k < 1:
        raise ValueError(f"k is {k}; it must be at least 1")
    first = ranking[:k]
    if len(set(first)) < len(first):
        raise ValueError("something is ranked twice; keep its first place alone")
    return np.array([key in relevant for key in first], dtype=np.bool_)
