"""A process is killed where it is least welcome."""

from dataclasses import dataclass

from kit.failpoints import Place
from tests.chaos.harness.world import World

WITHIN_S = 90


@dataclass(frozen=True, slots=True)
class Kill9:
    """Replica number 0 kills itself at the `nth` pass of `place`. At most the one record in hand comes again."""

    place: Place
    nth: int
    again: int = 1

    @property
    def name(self) -> str:
        return f"kill9 {self.place}"

    @property
    def failpoint(self) -> str:
        return f"{self.place}:{self.nth}"

    async def strike(self, world: World) -> float:
        return await world.next_death(WITHIN_S)


@dataclass(frozen=True, slots=True)
class Kill9InDrain:
    """Another replica joins, and number 0 dies while it gives partitions up; then the other leaves in order."""

    again: int = 2
    name: str = f"kill9 {Place.DURING_DRAIN}"
    failpoint: str = f"{Place.DURING_DRAIN}:1"

    async def strike(self, world: World) -> float:
        await world.add_replica().ready()
        at = await world.next_death(WITHIN_S)
        await world.number_0.ready()
        assert await world.remove_replica() == 0
        return at
