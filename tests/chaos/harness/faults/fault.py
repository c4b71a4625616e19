"""What all faults have in common."""

from typing import Protocol

from tests.chaos.harness.world import World


class Fault(Protocol):
    """Something bad that happens."""

    @property
    def name(self) -> str:
        """For the report."""
        ...

    @property
    def again(self) -> int:
        """How many events it may at most make a group take a second time after their effect."""
        ...

    @property
    def failpoint(self) -> str | None:
        """What replica number 0 must be started with, if anything."""
        ...

    async def strike(self, world: World) -> float | None:
        """Does it, and returns when the world may recover: the moment of death (monotonic seconds) if a replica was killed."""
        ...
