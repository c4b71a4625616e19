"""Which verb takes which event."""

from collections.abc import Mapping

from contracts.base import Event
from contracts.chunks import ChunksDeletedV1, ChunksEmbeddedV1
from contracts.topics import CHUNKS_EMBEDDED, Topic
from kit.delivery import Handler
from services.indexer.index import Index


def handlers(index: Index) -> Mapping[Topic, Mapping[type[Event], Handler]]:
    """The topics this service reads."""
    return {CHUNKS_EMBEDDED: {ChunksEmbeddedV1: index.embedded, ChunksDeletedV1: index.deleted}}
