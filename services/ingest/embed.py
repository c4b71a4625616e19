"""Gives chunks their vectors, a bounded batch at a time, and keeps each batch: a crash loses one batch of work, not all."""

from dataclasses import dataclass

from kit.ports.embedding import EmbeddingModel
from services.ingest.chunk import Chunker
from services.ingest.store import Content, Store


@dataclass(frozen=True, slots=True)
class Embedder:
    """Embeds what has no vector yet. `key` is that of the recipe, `chunker` says what of a chunk is embedded."""

    model: EmbeddingModel
    store: Store
    chunker: Chunker
    key: str
    batch: int

    async def fill(self, content: Content, text: str) -> int:
        """Embeds the chunks of `text` that wait for it and returns their number. Raises as the model does."""
        waiting = [chunk for chunk in await self.store.chunks(content, self.key) if chunk.vector is None]
        for first in range(0, len(waiting), self.batch):
            chunks = waiting[first : first + self.batch]
            vectors = await self.model.embed([self.chunker.embedded_text(text, chunk.span) for chunk in chunks])
            await self.store.put_vectors(content, self.key, chunks, vectors)
        return len(waiting)
