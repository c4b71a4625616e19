"""The topics of the contracts, made at a real broker."""

import pytest
from aiokafka.admin import AIOKafkaAdminClient

from contracts.topics import TOPICS, dead_letter_topic
from kit.errors import DependencyDown
from kit.topics import create_topics, main
from workbench.stack.ports import free_port
from workbench.stack.servers import Servers


async def partitions(bootstrap_servers: str) -> dict[str, int]:
    """How many partitions each topic has."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap_servers)
    await admin.start()
    try:
        return {topic["topic"]: len(topic["partitions"]) for topic in await admin.describe_topics()}
    finally:
        await admin.close()


async def test_every_topic_has_its_partitions_and_dead_letter_topics(servers: Servers) -> None:
    """Making them a second time changes nothing."""
    await create_topics(servers.kafka)
    await create_topics(servers.kafka)

    made = await partitions(servers.kafka)
    for topic in TOPICS:
        names = [topic.name, *(dead_letter_topic(topic.name, reader) for reader in topic.readers)]
        assert [made.get(name) for name in names] == [topic.partitions] * len(names)


async def test_a_broker_that_is_away_is_named() -> None:
    """The caller can wait for it."""
    nowhere = f"127.0.0.1:{free_port()}"

    with pytest.raises(DependencyDown, match=nowhere) as failed:
        await create_topics(nowhere)

    assert failed.value.code == "broker_unreachable"


def test_the_command_exits_with_the_reason() -> None:
    """No traceback in a container's log."""
    with pytest.raises(SystemExit, match="is the broker up"):
        main(f"127.0.0.1:{free_port()}")
