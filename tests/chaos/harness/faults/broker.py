"""The broker goes away and comes back with its data."""

import asyncio
from dataclasses import dataclass

from tests.chaos.harness.redelivery import Struck
from tests.chaos.harness.world import World


@dataclass(frozen=True, slots=True)
class BrokerAway:
    """For some seconds nobody can send, read or commit. What was fetched is handled meanwhile, is not committed, and comes again."""

    killed: bool = False
    seconds: float = 3.0
    failpoint: None = None

    @property
    def name(self) -> str:
        return "broker killed" if self.killed else "broker stopped"

    async def strike(self, world: World) -> Struck:
        before = await world.sampler.committed()
        await asyncio.to_thread(world.broker.kill if self.killed else world.broker.stop)
        again = world.uncommitted(before)
        await asyncio.sleep(self.seconds)
        await asyncio.to_thread(world.broker.start)
        return Struck(again)
