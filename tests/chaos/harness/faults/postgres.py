"""The database cuts its clients off, or goes away and comes back."""

import asyncio
from dataclasses import dataclass

from tests.chaos.harness.redelivery import Struck
from tests.chaos.harness.world import World

_CUT_OFF = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1"


@dataclass(frozen=True, slots=True)
class BackendsTerminated:
    """Every connection of the service ends in the middle of what it does, `times` times. A commit nobody heard of is found in the inbox."""

    times: int = 5
    name: str = "postgres backends terminated"
    failpoint: None = None

    async def strike(self, world: World) -> Struck:
        again = 0
        for _ in range(self.times):
            before = await world.sampler.committed()
            await world.audit.fetch(_CUT_OFF, world.workload.service)
            again += world.uncommitted(before)
            await asyncio.sleep(0.3)
        return Struck(again)


@dataclass(frozen=True, slots=True)
class PostgresAway:
    """For some seconds there is no database: records are held, and none becomes a dead letter."""

    killed: bool = False
    seconds: float = 2.0
    failpoint: None = None

    @property
    def name(self) -> str:
        return "postgres killed" if self.killed else "postgres stopped"

    async def strike(self, world: World) -> Struck:
        server = world.database.server
        before = await world.sampler.committed()
        await asyncio.to_thread(server.kill if self.killed else server.stop)
        again = world.uncommitted(before)
        await asyncio.sleep(self.seconds)
        await asyncio.to_thread(server.start)
        return Struck(again)
