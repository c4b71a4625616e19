"""Facts about questions: answered. The record that replay and feedback work from."""

from typing import ClassVar
from uuid import UUID

from pydantic import Field

from contracts.base import DocumentId, Event, Name, Sha256, Value, Version


class NamedVersion(Value):
    """An immutable configuration: a name, and the version of it that was used."""

    name: Name
    version: Name


class RetrievedChunk(Value):
    """A chunk that was retrieved, in rank order, with its fused score."""

    chunk_id: UUID
    document_id: DocumentId
    document_version: Version
    score: float


class Citation(Value):
    """A verified citation: `quote` stands at `[start, end)` of that version's extracted text."""

    marker: int = Field(ge=1)
    chunk_id: UUID
    document_id: DocumentId
    document_version: Version
    document_sha256: Sha256
    start: int = Field(ge=0)
    end: int = Field(ge=1)
    page: int | None = Field(default=None, ge=1)
    quote: str = Field(min_length=1)


class Usage(Value):
    """What a call consumed; `cost_usd` is None where the model has no known price."""

    input_tokens: int = Field(ge=0)
    output_tokens: int = Field(ge=0)
    cost_usd: float | None = Field(default=None, ge=0)


class QueryAnsweredV1(Event):
    """A question was answered (or abstained from): what was asked, retrieved, cited and spent."""

    TYPE: ClassVar[str] = "workbench.queries.answered.v1"
    KEY: ClassVar[str] = "answer_id"

    answer_id: UUID
    question: str = Field(min_length=1)
    answer: str
    abstained: bool
    variant: NamedVersion
    prompt: NamedVersion
    provider: Name
    model: Name
    retrieved: tuple[RetrievedChunk, ...] = ()
    citations: tuple[Citation, ...] = ()
    usage: Usage
    timings_ms: dict[str, float] = Field(default_factory=dict)
