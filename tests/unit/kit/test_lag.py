"""The event loop's lag."""

import asyncio
from datetime import timedelta

import pytest

from kit.clock import FakeClock
from kit.lag import watch_lag
from kit.metrics import LOOP_LAG_SECONDS

LATE_S = 0.05


def late() -> float:
    """How many wake-ups came more than `LATE_S` after their time."""
    [metric] = LOOP_LAG_SECONDS.collect()
    told = {(sample.name, sample.labels.get("le")): sample.value for sample in metric.samples}
    name = "workbench_event_loop_lag_seconds"
    return told[f"{name}_count", None] - told[f"{name}_bucket", str(LATE_S)]


@pytest.mark.parametrize(("blocked_s", "seen"), [(0.2, 1), (0.0, 0)])
async def test_a_blocked_loop_is_late(blocked_s: float, seen: int) -> None:
    """By as long as it was blocked, once."""
    clock, before = FakeClock(), late()
    watch = asyncio.create_task(watch_lag(clock))
    await asyncio.sleep(0)
    clock.time += timedelta(seconds=blocked_s)
    await asyncio.sleep(0)
    watch.cancel()

    assert late() - before == seen
