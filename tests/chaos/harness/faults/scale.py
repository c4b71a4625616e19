"""Replicas come and go."""

from dataclasses import dataclass

from tests.chaos.harness.redelivery import Struck
from tests.chaos.harness.world import World


@dataclass(frozen=True, slots=True)
class Scale:
    """From one to `replicas` and back to one, `times` times. Who gives a partition up has finished with it, so nothing comes twice."""

    replicas: int = 4
    times: int = 1
    failpoint: None = None

    @property
    def name(self) -> str:
        return f"scale 1-{self.replicas}-1"

    async def strike(self, world: World) -> Struck:
        for _ in range(self.times):
            while len(world.replicas) < self.replicas:
                async with world.changing():
                    await world.add_replica().ready()
            while len(world.replicas) > 1:
                async with world.changing():
                    assert await world.remove_replica() == 0
        return Struck()
