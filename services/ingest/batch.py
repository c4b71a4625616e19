"""Packs the chunks of a version into `chunks.embedded` events, each below 256 KiB."""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from contracts.chunks import ChunksEmbeddedV1, EmbeddedChunk
from contracts.documents import DocumentUploadedV1
from contracts.generations import FIRST_GENERATION
from kit.ids import chunk_id
from services.ingest.store import StoredChunk

MAX_EVENT_BYTES = 256 * 1024
_FRAME_BYTES = 4 * 1024


@dataclass(frozen=True, slots=True)
class Packer:
    """Packs for one index generation, whose embedding model makes vectors of `dimensions` numbers."""

    generation: str
    model: str
    dimensions: int

    def pack(self, upload: DocumentUploadedV1, text: str, chunks: Sequence[StoredChunk]) -> list[ChunksEmbeddedV1]:
        """The events of a version, in order; `chunks` all have vectors."""
        embedded = [self._chunk(upload, text, chunk) for chunk in chunks]
        frame = _FRAME_BYTES + len(upload.model_dump_json().encode())
        batches = list(_grouped(embedded, MAX_EVENT_BYTES - frame))
        return [
            ChunksEmbeddedV1(
                document_id=upload.document_id,
                document_version=upload.document_version,
                document_sha256=upload.blob.sha256,
                title=upload.title,
                media_type=upload.media_type,
                metadata=upload.metadata,
                embedding_model=self.model,
                dimensions=self.dimensions,
                batch_no=number,
                batch_count=len(batches),
                chunk_count=len(chunks),
                generation=self.generation,
                chunks=batch,
            )
            for number, batch in enumerate(batches)
        ]

    @property
    def _index(self) -> str:
        """What tells the chunk ids of generations apart; the first has those it always had."""
        return self.model if self.generation == FIRST_GENERATION else f"{self.model}/{self.generation}"

    def _chunk(self, upload: DocumentUploadedV1, text: str, chunk: StoredChunk) -> EmbeddedChunk:
        if chunk.vector is None:
            raise ValueError(f"chunk {chunk.chunk_no} of {upload.document_id} has no vector")
        return EmbeddedChunk(
            chunk_id=chunk_id(upload.document_id, upload.document_version, chunk.chunk_no, self._index),
            chunk_no=chunk.chunk_no,
            text=text[chunk.span.start : chunk.span.end],
            start=chunk.span.start,
            end=chunk.span.end,
            page=chunk.span.page,
            heading=chunk.span.heading,
            vector=b64encode(chunk.vector.astype("<f4").tobytes()).decode(),
        )


def _grouped(chunks: Sequence[EmbeddedChunk], limit: int) -> Iterator[tuple[EmbeddedChunk, ...]]:
    group: list[EmbeddedChunk] = []
    size = 0
    for chunk in chunks:
        weight = len(chunk.model_dump_json().encode()) + 1
        if group and size + weight > limit:
            yield tuple(group)
            group, size = [], 0
        group.append(chunk)
        size += weight
    yield tuple(group)
