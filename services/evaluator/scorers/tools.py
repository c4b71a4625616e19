"""What scorers may ask of others: vectors of texts, and a judge."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from kit.ports.embedding import Vectors
from services.evaluator.judge import Judge


class Embedder(Protocol):
    """Promise: equal texts give equal vectors."""

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """One row a text, in order. Raises Permanent if a text is refused, Transient or DependencyDown if there is no answer."""
        ...


@dataclass(frozen=True, slots=True)
class Tools:
    """`judge` is None if no model is set up to judge."""

    embed: Embedder
    judge: Judge | None = None
