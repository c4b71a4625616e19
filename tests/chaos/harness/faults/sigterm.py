"""A process is asked to stop under load, as with each rollout."""

from dataclasses import dataclass

from tests.chaos.harness.redelivery import Struck
from tests.chaos.harness.world import World


@dataclass(frozen=True, slots=True)
class Sigterm:
    """It finishes the record in hand, ends with status 0, and nothing comes twice."""

    name: str = "sigterm"
    failpoint: None = None

    async def strike(self, world: World) -> Struck:
        assert await world.number_0.restart() == 0
        await world.number_0.ready()
        return Struck()
