"""What all faults have in common."""

from typing import Protocol

from tests.chaos.harness.redelivery import Struck
from tests.chaos.harness.world import World


class Fault(Protocol):
    """Something bad that happens."""

    @property
    def name(self) -> str:
        """For the report."""
        ...

    @property
    def failpoint(self) -> str | None:
        """What replica number 0 must be started with, if anything."""
        ...

    async def strike(self, world: World) -> Struck:
        """Does it, and returns when the world may recover, with what may come again through it."""
        ...
