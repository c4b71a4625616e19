"""The vector store goes away and comes back with its points."""

import asyncio
from dataclasses import dataclass

from tests.chaos.harness.redelivery import Struck
from tests.chaos.harness.world import World


@dataclass(frozen=True, slots=True)
class VectorsAway:
    """For `seconds` no point can be written, shown or removed: records are held, and none becomes a dead letter.

    A delete, or a version that became visible just before, has its effect, and comes again since the points it replaces cannot be removed.
    """

    killed: bool = False
    seconds: float = 6.0
    failpoint: None = None

    @property
    def name(self) -> str:
        return f"vector store {'killed' if self.killed else 'stopped'} for {self.seconds:g} s"

    async def strike(self, world: World) -> Struck:
        assert world.vector_server is not None
        server = world.vector_server.server
        before = await world.sampler.committed()
        await asyncio.to_thread(server.kill if self.killed else server.stop)
        await asyncio.sleep(self.seconds)
        await asyncio.to_thread(server.start)
        return Struck(world.uncommitted(before))
