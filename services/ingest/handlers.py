"""Which verb takes which event."""

from collections.abc import Mapping

from contracts.base import Event
from contracts.documents import DocumentDeletedV1, DocumentUploadedV1
from contracts.topics import DOCS_UPLOADED, Topic
from kit.delivery import Handler
from services.ingest.ingest import Ingest


def handlers(ingest: Ingest) -> Mapping[Topic, Mapping[type[Event], Handler]]:
    """The topics this service reads."""
    return {DOCS_UPLOADED: {DocumentUploadedV1: ingest.upload, DocumentDeletedV1: ingest.delete}}
