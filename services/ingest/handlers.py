"""Which verb takes which event."""

from collections.abc import Mapping

from contracts.base import Event
from contracts.documents import DocumentDeletedV1, DocumentReplayedV1, DocumentUploadedV1
from contracts.topics import DOCS_REPLAYED, DOCS_UPLOADED, Topic
from kit.delivery import Handler
from services.ingest.ingest import Ingest
from services.ingest.replay import Replay


def handlers(ingest: Ingest, replay: Replay) -> Mapping[Topic, Mapping[type[Event], Handler]]:
    """The topics this service reads."""
    return {
        DOCS_UPLOADED: {DocumentUploadedV1: ingest.upload, DocumentDeletedV1: ingest.delete},
        DOCS_REPLAYED: {DocumentReplayedV1: replay.replay},
    }
