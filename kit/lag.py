"""How late the event loop is: what work that should be in a thread costs everybody else."""

from kit.clock import Clock
from kit.metrics import LOOP_LAG_SECONDS

# A block of the loop is seen but for less than this, and looking takes a thousandth of a core.
EVERY_S = 0.01


async def watch_lag(clock: Clock, every_s: float = EVERY_S) -> None:
    """Until cancelled, notes how long after its time each wake-up comes."""
    while True:
        asleep = clock.monotonic()
        await clock.sleep(every_s)
        LOOP_LAG_SECONDS.observe(max(clock.monotonic() - asleep - every_s, 0.0))
