"""The workloads of the services that need a broker, a database and at most a vector store."""

from base64 import b64encode
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from random import Random

import numpy as np

from contracts.base import Event
from contracts.chunks import ChunksDeletedV1, ChunksEmbeddedV1, EmbeddedChunk
from contracts.feedback import FeedbackReceivedV1
from contracts.queries import NamedVersion, QueryAnsweredV1, Usage
from contracts.topics import CHUNKS_EMBEDDED, DOCS_INDEXED, FEEDBACK_RECEIVED, QUERIES_ANSWERED
from kit.ids import chunk_id
from kit.settings import VectorEngine
from tests.chaos.harness.workload import ON_CHANGE, ON_INSERT, Workload, some_id

DIMENSIONS = 4
DOCUMENTS = 40
_VECTOR = b64encode(np.array([1, 0, 0, 0], dtype="<f4").tobytes()).decode()
_NAMED = NamedVersion(name="default", version="1")


def _opinions(chance: Random) -> Iterator[Event]:
    """An answer, and what somebody said of it."""
    while True:
        answer = some_id(chance)
        yield QueryAnsweredV1(
            answer_id=answer,
            question="why?",
            answer="so",
            abstained=False,
            variant=_NAMED,
            prompt=_NAMED,
            provider="p",
            model="m",
            usage=Usage(input_tokens=1, output_tokens=1),
        )
        yield FeedbackReceivedV1(feedback_id=some_id(chance), answer_id=answer, rating=chance.choice(["up", "down"]))


def _versions(chance: Random) -> Iterator[Event]:
    """Documents that grow version by version, in one or two batches, now and then deleted; some older version comes late."""
    newest: dict[str, int] = defaultdict(int)
    while True:
        document = f"doc-{chance.randrange(DOCUMENTS)}"
        newest[document] += 1
        if chance.random() < 0.1:
            yield ChunksDeletedV1(document_id=document, document_version=newest[document])
        else:
            yield from _batches(document, newest[document], count=chance.choice([1, 1, 2]))
        if newest[document] > 1 and chance.random() < 0.15:
            yield from _batches(document, newest[document] - 1, count=1)


def _batches(document: str, version: int, count: int) -> Iterator[Event]:
    for number in range(count):
        text = f"{document} says {version}.{number}"
        identity = chunk_id(document, version, number, "m")
        chunk = EmbeddedChunk(chunk_id=identity, chunk_no=number, text=text, start=0, end=len(text), vector=_VECTOR)
        yield ChunksEmbeddedV1(
            document_id=document,
            document_version=version,
            document_sha256="a" * 64,
            title=document,
            media_type="text/plain",
            embedding_model="m",
            dimensions=DIMENSIONS,
            batch_no=number,
            batch_count=count,
            chunk_count=count,
            chunks=(chunk,),
        )


FEEDBACK = Workload(
    "feedback",
    topics=(FEEDBACK_RECEIVED, QUERIES_ANSWERED),
    events=_opinions,
    effects={QueryAnsweredV1: ("answers", "answer_id"), FeedbackReceivedV1: ("ratings", "feedback_id")},
    watched={"answers": ON_INSERT, "ratings": ON_INSERT},
)
INDEXER = Workload(
    "indexer",
    topics=(CHUNKS_EMBEDDED,),
    events=_versions,
    effects={},
    watched={"documents": ON_CHANGE, "outbox": ON_INSERT},
    tells=DOCS_INDEXED,
    vectors=VectorEngine.EDGE,
)
SERVED_INDEXER = replace(INDEXER, vectors=VectorEngine.SERVER)
