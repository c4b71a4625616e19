"""The role that turns texts into vectors."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


class EmbeddingModel(Protocol):
    """Promise: equal texts give equal vectors, and every vector has length 1."""

    @property
    def name(self) -> str:
        """Names the model and its precision; vectors of different names must never be compared."""
        ...

    @property
    def dimensions(self) -> int:
        """The length of a vector."""
        ...

    @property
    def max_tokens(self) -> int:
        """Tokens of a text beyond which the model would cut it off, special tokens included."""
        ...

    def count_tokens(self, text: str) -> int:
        """How many tokens `text` has for this model, without special tokens."""
        ...

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Gives an array of shape (len(texts), dimensions), in order, without blocking the event loop.

        Raises Transient or DependencyDown where the model is remote and fails, Permanent if a text is refused.
        """
        ...
