"""What a group copied to its retry and dead letter topics, and what the headers behind each copy tell."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from aiokafka import ConsumerRecord

from contracts.topics import RETRY_STAGES, dead_letter_topic, retry_topic
from kit.route import SOURCE
from tests.chaos.harness.ledger import Headers, Position
from tests.chaos.harness.tap import Records, read_all
from tests.chaos.harness.workload import Workload

_BLOCK = 8


async def dead_letters(bootstrap_servers: str, workload: Workload) -> Records:
    """All the group's dead letters."""
    return await read_all(
        bootstrap_servers, {dead_letter_topic(topic.name, workload.service): topic.partitions for topic in workload.topics}
    )


async def put_off(bootstrap_servers: str, workload: Workload) -> Records:
    """All that stands, or stood, on its retry topics."""
    topics = {retry_topic(topic.name, workload.service, stage): topic.partitions for topic in workload.topics for stage in RETRY_STAGES}
    return await read_all(bootstrap_servers, topics)


def source(record: ConsumerRecord[Any, Any]) -> Position:
    """Where a copy was sent first."""
    told = _block(record)
    topic, partition, offset = ((told[name] or b"").decode() for name in SOURCE)
    return topic, int(partition), int(offset)


def forwarded_at(record: ConsumerRecord[Any, Any]) -> float:
    """When it was copied (seconds since 1970), as told by who did."""
    return datetime.fromisoformat((_block(record)["x-error-time"] or b"").decode()).timestamp()


def first_forwarded(records: Iterable[ConsumerRecord[Any, Any]]) -> dict[Position, float]:
    """For each source, when it was copied for the first time."""
    first: dict[Position, float] = {}
    for record in records:
        at = source(record)
        first[at] = min(forwarded_at(record), first.get(at, float("inf")))
    return first


def as_sent(record: ConsumerRecord[Any, Any]) -> tuple[bytes | None, bytes | None, Headers]:
    """Key, value and headers without what was put behind them."""
    return record.key, record.value, tuple(record.headers[:-_BLOCK])


def _block(record: ConsumerRecord[Any, Any]) -> dict[str, bytes | None]:
    return dict(record.headers[-_BLOCK:])
