"""Replicas come and go."""

from dataclasses import dataclass

from tests.chaos.harness.world import World


@dataclass(frozen=True, slots=True)
class Scale:
    """From one to `replicas` and back to one, `times` times. Who gives a partition up has finished with it, so nothing comes twice."""

    replicas: int = 4
    times: int = 1
    again: int = 0
    failpoint: None = None

    @property
    def name(self) -> str:
        return f"scale 1-{self.replicas}-1"

    async def strike(self, world: World) -> None:
        for _ in range(self.times):
            while len(world.replicas) < self.replicas:
                await world.add_replica().ready()
            while len(world.replicas) > 1:
                assert await world.remove_replica() == 0
