"""Every topic, once: what travels on it, what keys it, who may read it. Start here to see where a document goes."""

from dataclasses import dataclass
from datetime import timedelta

from contracts.base import Event
from contracts.chunks import ChunksDeletedV1, ChunksEmbeddedV1
from contracts.documents import DocumentDeletedV1, DocumentIndexedV1, DocumentRejectedV1, DocumentReplayedV1, DocumentUploadedV1
from contracts.evals import EvalCancelledV1, EvalCompletedV1, EvalRequestedV1, EvalShardPlannedV1
from contracts.feedback import FeedbackReceivedV1
from contracts.generations import GenerationRequestedV1, RetirementRequestedV1, SwapRequestedV1
from contracts.queries import QueryAnsweredV1


@dataclass(frozen=True, slots=True)
class Topic:
    """A Kafka topic. `owner` is the service that writes it (anyone may write those that `open_to_all`); `readers` are consumer groups."""

    name: str
    key: str
    partitions: int
    retention: timedelta
    owner: str
    readers: tuple[str, ...]
    events: tuple[type[Event], ...]
    open_to_all: bool = False


DOCS_UPLOADED = Topic(
    "docs.uploaded",
    key="document_id",
    partitions=6,
    retention=timedelta(days=14),
    owner="rag",
    readers=("ingest",),
    events=(DocumentUploadedV1, DocumentDeletedV1),
    open_to_all=True,
)
DOCS_REPLAYED = Topic(  # beside docs.uploaded, so that building an index holds up no live upload
    "docs.replayed",
    key="document_id",
    partitions=6,
    retention=timedelta(days=14),
    owner="ingest",
    readers=("ingest",),
    events=(DocumentReplayedV1,),
)
INDEX_GENERATIONS = Topic(  # one partition: requests have one order
    "index.generations",
    key="generation",
    partitions=1,
    retention=timedelta(days=30),
    owner="rag",
    readers=("indexer",),
    events=(GenerationRequestedV1, SwapRequestedV1, RetirementRequestedV1),
    open_to_all=True,
)
CHUNKS_EMBEDDED = Topic(
    "chunks.embedded",
    key="document_id",
    partitions=6,
    retention=timedelta(days=14),
    owner="ingest",
    readers=("indexer",),
    events=(ChunksEmbeddedV1, ChunksDeletedV1),
)
DOCS_INDEXED = Topic(
    "docs.indexed",
    key="document_id",
    partitions=3,
    retention=timedelta(days=14),
    owner="indexer",
    readers=(),
    events=(DocumentIndexedV1,),
)
DOCS_REJECTED = Topic(
    "docs.rejected",
    key="document_id",
    partitions=3,
    retention=timedelta(days=14),
    owner="ingest",
    readers=(),
    events=(DocumentRejectedV1,),
)
QUERIES_ANSWERED = Topic(
    "queries.answered",
    key="answer_id",
    partitions=6,
    retention=timedelta(days=30),
    owner="rag",
    readers=("feedback",),
    events=(QueryAnsweredV1,),
)
EVAL_REQUESTED = Topic(
    "eval.requested",
    key="eval_id",
    partitions=3,
    retention=timedelta(days=30),
    owner="rag",
    readers=("evaluator",),
    events=(EvalRequestedV1, EvalCancelledV1),
    open_to_all=True,
)
EVAL_SHARDS = Topic(  # so that one evaluation spreads over replicas
    "eval.shards",
    key="shard_id",
    partitions=6,
    retention=timedelta(days=14),
    owner="evaluator",
    readers=("evaluator",),
    events=(EvalShardPlannedV1,),
)
EVAL_COMPLETED = Topic(
    "eval.completed",
    key="eval_id",
    partitions=3,
    retention=timedelta(days=30),
    owner="evaluator",
    readers=(),
    events=(EvalCompletedV1,),
)
FEEDBACK_RECEIVED = Topic(
    "feedback.received",
    key="answer_id",
    partitions=3,
    retention=timedelta(days=30),
    owner="rag",
    readers=("feedback",),
    events=(FeedbackReceivedV1,),
    open_to_all=True,
)

TOPICS = (
    DOCS_UPLOADED,
    DOCS_REPLAYED,
    INDEX_GENERATIONS,
    CHUNKS_EMBEDDED,
    DOCS_INDEXED,
    DOCS_REJECTED,
    QUERIES_ANSWERED,
    EVAL_REQUESTED,
    EVAL_SHARDS,
    EVAL_COMPLETED,
    FEEDBACK_RECEIVED,
)
EVENT_TYPES: dict[str, type[Event]] = {event.TYPE: event for topic in TOPICS for event in topic.events}
TOPIC_OF: dict[type[Event], Topic] = {event: topic for topic in TOPICS for event in topic.events}


@dataclass(frozen=True, slots=True)
class RetryStage:
    """A place where a record waits before it is tried again."""

    name: str
    delay: timedelta


RETRY_STAGES = (RetryStage("retry-30s", timedelta(seconds=30)), RetryStage("retry-5m", timedelta(minutes=5)))


def retry_topic(topic: str, group: str, stage: RetryStage) -> str:
    """The topic in which the records of `topic` that `group` could not process yet wait for another try."""
    return f"{topic}.{group}.{stage.name}"


def dead_letter_topic(topic: str, group: str) -> str:
    """The topic that keeps, byte for byte, the records of `topic` that `group` could not process."""
    return f"{topic}.{group}.dlq"
