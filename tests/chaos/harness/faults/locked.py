"""The database keeps a group waiting with records in hand, as while a migration changes a table; meanwhile its processes come and go."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from tests.chaos.harness.redelivery import Struck
from tests.chaos.harness.world import World

WITHIN_S = 60
# Nobody writes; the sampler may still read.
_LOCK = "LOCK TABLE {service}.inbox IN SHARE ROW EXCLUSIVE MODE"


@dataclass(frozen=True, slots=True)
class Kill9Waiting:
    """After `seconds` replica number 0 dies: longer than a consumer waits that commits by the clock."""

    seconds: float = 7.0
    name: str = "kill9 waiting for a lock"
    failpoint: None = None

    async def strike(self, world: World) -> Struck:
        async with _locked(world):
            await asyncio.sleep(self.seconds)
            world.number_0.kill()
            death = await world.next_death(WITHIN_S)
        return Struck(death.in_hand, death.at)


@dataclass(frozen=True, slots=True)
class JoinWaiting:
    """Another replica joins and gets partitions, but not before what is in hand of them is finished; so nothing comes twice."""

    seconds: float = 3.0
    name: str = "join waiting for a lock"
    failpoint: None = None

    async def strike(self, world: World) -> Struck:
        async with _locked(world):
            await world.add_replica().ready()
            await asyncio.sleep(self.seconds)
        await world.sampler.caught_up(world.ledger.ends(), WITHIN_S)
        assert await world.remove_replica() == 0
        return Struck()


@asynccontextmanager
async def _locked(world: World) -> AsyncIterator[None]:
    connection = await asyncpg.connect(world.audit.dsn)
    try:
        async with connection.transaction():
            await connection.execute(_LOCK.format(service=world.workload.service))
            yield
    finally:
        await connection.close()
