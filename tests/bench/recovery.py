"""How long a service takes to come back after it was killed, and how long a rebalance keeps everybody waiting."""

from collections.abc import Sequence

import numpy as np

from kit.failpoints import Place
from tests.bench.report import Figure, MeasurementFailed
from tests.bench.workspace import Workspace
from tests.brokers.tansu import running_tansu
from tests.chaos.harness.faults.kill9 import Kill9
from tests.chaos.harness.faults.scale import Scale
from tests.chaos.harness.story import Story
from tests.chaos.harness.workloads import FEEDBACK
from tests.chaos.harness.world import running_database

KILLS, TIMES, EVENTS, RATE = 6, 3, 1_500, 60


async def measure(workspace: Workspace) -> list[Figure]:
    """Seconds on the embedded broker while events flow; `make chaos` tells the same of Apache Kafka."""
    folder = workspace.new_folder("recovery")
    faults = [*(Kill9(Place.AFTER_COMMIT, 40 + kill) for kill in range(KILLS)), Scale(3, times=TIMES)]
    workspace.tell(f"{KILLS} kills and {TIMES} times 1-3-1 replicas, while {RATE} events come a second")
    with running_database(folder) as database, running_tansu(folder / "broker") as broker:
        report = await Story(FEEDBACK, faults, events=EVENTS, rate=RATE).play(broker, database, folder / "world")
    if not report.clean:
        raise MeasurementFailed(f"an invariant was violated: {report.findings}")
    killed = _figure("kill -9 until the lag is 0", report.recoveries, "kills")
    return [killed, _figure("pause around a rebalance", report.pauses, "rebalances")]


def _figure(name: str, seconds: Sequence[float], of: str) -> Figure:
    if not seconds:
        raise MeasurementFailed(f"{name}: nothing was measured")
    p50, p95 = np.percentile(seconds, [50, 95])
    return Figure(name, "s", {"p50": float(p50), "p95": float(p95)}, len(seconds), of, note="a service is started again at once")
