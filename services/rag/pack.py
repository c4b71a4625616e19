"""Packing: as many of the best passages as fit what a model is to read."""

from collections.abc import Callable, Sequence

from kit.ports.vectors import Hit


def packed(hits: Sequence[Hit], tokens: int, count: Callable[[str], int]) -> list[Hit]:
    """The hits in their order as long as their texts have at most so many tokens together; the first in any case."""
    kept: list[Hit] = []
    for hit in hits:
        tokens -= count(hit.chunk.text)
        if kept and tokens < 0:
            break
        kept.append(hit)
    return kept
