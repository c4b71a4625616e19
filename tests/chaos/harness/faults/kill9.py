"""A process is killed where it is least welcome."""

from dataclasses import dataclass

from kit.failpoints import Place
from tests.chaos.harness.redelivery import Struck
from tests.chaos.harness.world import World

WITHIN_S = 90


@dataclass(frozen=True, slots=True)
class Kill9:
    """Replica number 0 kills itself at the `nth` pass of `place`. What was done and not committed in that moment comes again."""

    place: Place
    nth: int

    @property
    def name(self) -> str:
        return f"kill9 {self.place}"

    @property
    def failpoint(self) -> str:
        return f"{self.place}:{self.nth}"

    async def strike(self, world: World) -> Struck:
        death = await world.next_death(WITHIN_S)
        return Struck(death.in_hand, death.at)


@dataclass(frozen=True, slots=True)
class Kill9InDrain:
    """Another replica joins, and number 0 dies while it gives partitions up; then the other leaves in order."""

    name: str = f"kill9 {Place.DURING_DRAIN}"
    failpoint: str = f"{Place.DURING_DRAIN}:1"

    async def strike(self, world: World) -> Struck:
        await world.add_replica().ready()
        death = await world.next_death(WITHIN_S)
        await world.number_0.ready()
        assert await world.remove_replica() == 0
        return Struck(death.in_hand, death.at)
