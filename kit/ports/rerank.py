"""The role that judges again, and more closely, how well texts answer a question."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol


class RerankerKind(StrEnum):
    """What orders the first hits again."""

    NONE = "none"
    MAXSIM = "maxsim"
    CROSS_ENCODER = "cross-encoder"
    LLM = "llm"


class Reranker(Protocol):
    """Promise: every text gets a score, the event loop is not blocked, and a caller that stops waiting stops the work."""

    @property
    def name(self) -> str:
        """Names the method and its model: other names may order otherwise."""
        ...

    async def rerank(self, question: str, texts: Sequence[str]) -> list[float]:
        """A score for each text, in the order given; higher answers better. Scores order one list and mean nothing across questions.

        Raises Transient if it could not judge this time, and what its model raises.
        """
        ...
