"""Facts about documents: uploaded, replayed, deleted, indexed, rejected."""

from typing import ClassVar

from pydantic import Field

from contracts.base import DocumentId, Event, GenerationName, Name, Sha256, Value, Version


class BlobRef(Value):
    """A claim check: where the raw bytes lie. `uri` must lie below the configured blob store."""

    uri: str = Field(min_length=1, max_length=2048)
    sha256: Sha256
    bytes: int = Field(ge=0)


class DocumentEvent(Event):
    """A fact about one version of one document."""

    KEY: ClassVar[str] = "document_id"

    document_id: DocumentId
    document_version: Version


class DocumentUploadedV1(DocumentEvent):
    """A document's raw bytes are in the blob store and wait to be ingested."""

    TYPE: ClassVar[str] = "workbench.docs.uploaded.v1"

    title: str = Field(min_length=1, max_length=512)
    media_type: Name
    blob: BlobRef
    metadata: dict[str, str] = Field(default_factory=dict)


class DocumentReplayedV1(DocumentUploadedV1):
    """The newest version of a document waits to be ingested for one index generation more."""

    TYPE: ClassVar[str] = "workbench.docs.replayed.v1"

    generation: GenerationName


class DocumentDeletedV1(DocumentEvent):
    """A document was deleted; every version below `document_version` must disappear."""

    TYPE: ClassVar[str] = "workbench.docs.deleted.v1"


class DocumentIndexedV1(DocumentEvent):
    """A version's chunks are all searchable, and older versions' are not any more."""

    TYPE: ClassVar[str] = "workbench.docs.indexed.v1"

    document_sha256: Sha256
    chunks: int = Field(ge=1)
    embedding_model: Name


class DocumentRejectedV1(DocumentEvent):
    """A version cannot be ingested; `code` is stable, `reason` says what to do."""

    TYPE: ClassVar[str] = "workbench.docs.rejected.v1"

    code: Name
    reason: str
