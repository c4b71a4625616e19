"""Reconcile: work that neither finished nor failed is queued again. This also makes a broker that forgets harmless."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from kit.clock import Clock
from kit.periodic import periodically

log = structlog.get_logger(__name__)

Requeue = Callable[[float], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Reconcile:
    """Calls `requeue` with an age in seconds: at the start with 0 if the broker `forgets`, then ever again with `after_s`."""

    requeue: Requeue
    clock: Clock
    after_s: float
    forgets: bool

    async def run(self) -> None:
        """Goes on until cancelled; waits while Postgres or a view it reads is away."""
        age_s = 0.0 if self.forgets else self.after_s

        async def look() -> None:
            nonlocal age_s
            log.info("reconcile.done", requeued=await self.requeue(age_s), older_than_s=age_s)
            age_s = self.after_s

        await periodically("reconcile", look, self.after_s / 2, self.clock)
