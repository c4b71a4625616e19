"""How long nothing of a group's topics is handled while replicas come and go."""

from itertools import pairwise

from tests.chaos.harness.world import World


async def pauses(world: World) -> list[float]:
    """For each change of the replicas that was noted, the longest time (seconds) around it in which no event had its effect."""
    times = sorted([at for table in world.workload.watched for at in await world.audit.written_at(table)])
    return [longest(times, began, over) for began, over in world.changes]


def longest(times: list[float], began: float, over: float) -> float:
    """The longest time between two of `times` (in order) that reaches into the span; all of the span where there are none."""
    return max((after - before for before, after in pairwise(times) if after >= began and before <= over), default=over - began)
