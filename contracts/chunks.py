"""Facts about a document's chunks: embedded, deleted."""

from typing import ClassVar
from uuid import UUID

from pydantic import Field, model_validator

from contracts.base import GenerationName, Name, Sha256, Value
from contracts.documents import DocumentEvent


class EmbeddedChunk(Value):
    """One chunk: `text` stands at `[start, end)` (code points) of the document's extracted text.

    `vector` is base64 of `dimensions` little-endian float32.
    """

    chunk_id: UUID
    chunk_no: int = Field(ge=0)
    text: str = Field(min_length=1)
    start: int = Field(ge=0)
    end: int = Field(ge=1)
    page: int | None = Field(default=None, ge=1)
    heading: str | None = None
    vector: str = Field(min_length=1)


class ChunksEmbeddedV1(DocumentEvent):
    """One batch of a version's chunks with their vectors; the version is complete when all `batch_count` batches are in."""

    TYPE: ClassVar[str] = "workbench.chunks.embedded.v1"

    document_sha256: Sha256
    title: str = Field(min_length=1, max_length=512)
    media_type: Name
    metadata: dict[str, str] = Field(default_factory=dict)
    embedding_model: Name
    dimensions: int = Field(ge=1)
    batch_no: int = Field(ge=0)
    batch_count: int = Field(ge=1)
    chunk_count: int = Field(ge=1, description="chunks of the whole version")
    generation: GenerationName | None = Field(default=None, description="the index they are for; none means the first, g1")
    chunks: tuple[EmbeddedChunk, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _batch_is_one_of_its_count(self) -> "ChunksEmbeddedV1":
        if self.batch_no >= self.batch_count:
            raise ValueError(f"batch_no {self.batch_no} is not below batch_count {self.batch_count}")
        return self


class ChunksDeletedV1(DocumentEvent):
    """Every chunk of every version below `document_version` must disappear from the index."""

    TYPE: ClassVar[str] = "workbench.chunks.deleted.v1"
