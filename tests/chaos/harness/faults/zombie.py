"""A process stands still for longer than its group waits for it, and then goes on as if nothing had been."""

import asyncio
from dataclasses import dataclass

from tests.chaos.harness.redelivery import Struck
from tests.chaos.harness.world import SESSION_TIMEOUT_MS, World

# It hears that it is no member any more with its next heartbeat.
HEARTBEAT_S = SESSION_TIMEOUT_MS / 3_000


@dataclass(frozen=True, slots=True)
class Zombie:
    """Another replica takes its partitions over; what it had fetched before, and until it hears that it is out, it may take as well."""

    name: str = "zombie"
    failpoint: None = None

    async def strike(self, world: World) -> Struck:
        if not world.workload.alone:
            await world.add_replica().ready()
        before = await world.sampler.committed()
        world.number_0.pause()
        fetched = world.uncommitted(before)
        await asyncio.sleep(SESSION_TIMEOUT_MS / 1000 + 3)
        sent = len(world.ledger.acknowledged)
        world.number_0.go_on()
        await asyncio.sleep(HEARTBEAT_S)
        again = fetched + len(world.ledger.acknowledged) - sent
        if not world.workload.alone:
            assert await world.remove_replica() == 0
        return Struck(again)
