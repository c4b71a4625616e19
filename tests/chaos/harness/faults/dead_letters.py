"""The dead letter topics take nothing while poison flows."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from contracts.topics import dead_letter_topic
from kit.broker import MAX_RECORD_BYTES, PUBLISH_S
from kit.topics import create_topics
from tests.chaos.harness.forwarded import dead_letters
from tests.chaos.harness.redelivery import Struck
from tests.chaos.harness.replica import lines_with
from tests.chaos.harness.world import World

HELD = "consumer.held"
SENT_WITHIN_S = 60


@dataclass(frozen=True, slots=True)
class DeadLettersRefused:
    """They refuse every record until poison has come, and for `seconds` more: it waits, and is not lost."""

    seconds: float = 5.0
    name: str = "dead letter topics refuse"
    failpoint: None = None

    async def strike(self, world: World) -> Struck:
        await _let_in(world, max_bytes=0)
        await _poison(world)
        await asyncio.sleep(self.seconds)
        await _let_in(world, max_bytes=MAX_RECORD_BYTES)
        return Struck()


@dataclass(frozen=True, slots=True)
class DeadLettersDeleted:
    """Somebody takes their records out and deletes them, and makes them again when a sender of poison has given up for the first time.

    A producer sends a copy that it was told to give up all the same once it can, and delivery has sent another by then.
    """

    seconds: float = PUBLISH_S + 5
    name: str = "dead letter topics deleted"
    failpoint: None = None

    async def strike(self, world: World) -> Struck:
        held, broker = lines_with(world.logs, HELD), world.broker.bootstrap_servers
        world.number_0.pause()
        world.taken += await dead_letters(broker, world.workload)
        await _delete(world)
        world.number_0.go_on()
        await _poison(world)
        await asyncio.sleep(self.seconds)
        await create_topics(broker)
        return Struck(lines_with(world.logs, HELD) - held)


async def _poison(world: World) -> None:
    """Returns when some more was sent."""
    before = sum(1 for _ in world.ledger.poison)
    async with asyncio.timeout(SENT_WITHIN_S):
        while sum(1 for _ in world.ledger.poison) == before:
            await asyncio.sleep(0.2)


def _names(world: World) -> list[str]:
    return [dead_letter_topic(topic.name, world.workload.service) for topic in world.workload.topics]


async def _let_in(world: World, max_bytes: int) -> None:
    """Sets how large a batch the topics take."""
    room = {"max.message.bytes": str(max_bytes)}
    async with _admin(world) as admin:
        answers = await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, room) for name in _names(world)])
    refused = [entry for answer in answers for entry in answer.resources if entry[0]]
    assert not refused, f"the broker does not change {refused}"


async def _delete(world: World) -> None:
    async with _admin(world) as admin:
        answer = await admin.delete_topics(_names(world))
    assert not [code for _, code, *_ in answer.topic_error_codes if code], answer


@asynccontextmanager
async def _admin(world: World) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=world.broker.bootstrap_servers)
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()
