"""A process stands still for longer than its group waits for it, and then goes on as if nothing had been."""

import asyncio
from dataclasses import dataclass

from tests.chaos.harness.world import SESSION_TIMEOUT_MS, World


@dataclass(frozen=True, slots=True)
class Zombie:
    """Another replica takes its partitions over; what it had fetched before, it may take a second time."""

    name: str = "zombie"
    again: int = 100
    failpoint: None = None

    async def strike(self, world: World) -> None:
        if not world.workload.alone:
            await world.add_replica().ready()
        world.number_0.pause()
        await asyncio.sleep(SESSION_TIMEOUT_MS / 1000 + 3)
        world.number_0.go_on()
        if not world.workload.alone:
            await asyncio.sleep(1)
            assert await world.remove_replica() == 0
