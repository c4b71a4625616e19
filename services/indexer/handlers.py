"""Which verb takes which event."""

from collections.abc import Mapping

from contracts.base import Event
from contracts.chunks import ChunksDeletedV1, ChunksEmbeddedV1
from contracts.generations import GenerationRequestedV1, RetirementRequestedV1, SwapRequestedV1
from contracts.topics import CHUNKS_EMBEDDED, INDEX_GENERATIONS, Topic
from kit.delivery import Handler
from services.indexer.generations import Generations
from services.indexer.index import Index


def handlers(index: Index, generations: Generations) -> Mapping[Topic, Mapping[type[Event], Handler]]:
    """The topics this service reads."""
    return {
        CHUNKS_EMBEDDED: {ChunksEmbeddedV1: index.embedded, ChunksDeletedV1: index.deleted},
        INDEX_GENERATIONS: {
            GenerationRequestedV1: generations.request,
            SwapRequestedV1: generations.swap,
            RetirementRequestedV1: generations.retire,
        },
    }
