"""Makes every topic of the contracts at a broker: `python -m kit.topics HOST:PORT [REPLICATION]`. Running it again is harmless."""

import asyncio
import sys
from collections.abc import Iterator

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from contracts.topics import RETRY_STAGES, TOPICS, Topic, dead_letter_topic, retry_topic
from kit.broker import MAX_RECORD_BYTES
from kit.errors import DependencyDown


async def create_topics(bootstrap_servers: str, replication_factor: int = 1) -> None:
    """Creates each topic with its partitions and retention, and retry and dead letter topics for its readers; those there are left alone.

    Raises DependencyDown `broker_unreachable` or `topic_refused`.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    wanted = [new for topic in TOPICS for new in _new_topics(topic, replication_factor)]
    try:
        await admin.start()
        answer = await admin.create_topics(wanted)
    except (KafkaError, OSError) as error:
        raise DependencyDown("broker_unreachable", f"no topics made at {bootstrap_servers}: {error}; is the broker up?") from error
    finally:
        await admin.close()
    _raise_refusals(answer.topic_errors)


def _new_topics(topic: Topic, replication_factor: int) -> Iterator[NewTopic]:
    config = {"retention.ms": str(int(topic.retention.total_seconds() * 1000))}
    yield NewTopic(topic.name, topic.partitions, replication_factor, topic_configs=config)
    for reader in topic.readers:
        waiting = (retry_topic(topic.name, reader, stage) for stage in RETRY_STAGES)
        for name in (*waiting, dead_letter_topic(topic.name, reader)):
            room = {"max.message.bytes": str(MAX_RECORD_BYTES)}
            yield NewTopic(name, topic.partitions, replication_factor, topic_configs=config | room)


def _raise_refusals(answers: list[tuple[str, int, str | None]]) -> None:
    refused = {name: for_code(code) for name, code, *_ in answers if code not in (0, TopicAlreadyExistsError.errno)}
    if refused:
        told = ", ".join(f"{name} ({error.__name__})" for name, error in sorted(refused.items()))
        raise DependencyDown("topic_refused", f"the broker refused to make {told}; check its limits and the replication factor")


def main(bootstrap_servers: str, replication_factor: str = "1") -> None:
    """The arguments of the command line; a failure is its exit message."""
    try:
        asyncio.run(create_topics(bootstrap_servers, int(replication_factor)))
    except DependencyDown as error:
        raise SystemExit(error.message) from None


if __name__ == "__main__":
    main(*sys.argv[1:])
