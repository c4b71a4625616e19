"""The role that keeps several vector collections apart, one for each index generation."""

from typing import Protocol

from contracts.generations import FIRST_GENERATION
from kit.ports.vectors import VectorStore


class Collections(Protocol):
    """Promise: a name always gives the same collection, and what is written to one is never found in another."""

    async def open(self, name: str, dimensions: int) -> VectorStore:
        """The collection of that name, made if there is none. Again is cheap: it gives the same store.

        Raises Permanent `vector_dimensions` if it holds vectors of another length, and DependencyDown.
        """
        ...

    async def drop(self, name: str) -> None:
        """Removes a collection with all its points; one that is not there is no error. Raises DependencyDown."""
        ...


def collection_of(base: str, generation: str) -> str:
    """The name of a generation's collection, where the settings say `base`: that of the first is `base` itself."""
    return base if generation == FIRST_GENERATION else f"{base}-{generation}"
