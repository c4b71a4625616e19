"""Vector collections in memory."""

from dataclasses import dataclass, field

from kit.fakes.vectors import InMemoryVectors
from kit.ports.vectors import VectorStore


@dataclass
class InMemoryCollections:
    """`Collections` in a dictionary."""

    stores: dict[str, InMemoryVectors] = field(default_factory=dict)

    async def open(self, name: str, dimensions: int) -> VectorStore:
        store = self.stores.setdefault(name, InMemoryVectors())
        await store.ensure(dimensions)
        return store

    async def drop(self, name: str) -> None:
        self.stores.pop(name, None)
