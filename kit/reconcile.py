"""Reconcile: work that neither finished nor failed is queued again. This also makes a broker that forgets harmless."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import asyncpg
import structlog

from kit.clock import Clock
from kit.postgres import translated

log = structlog.get_logger(__name__)

Requeue = Callable[[float], Awaitable[int]]
_RETRY_S = 1.0


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
        while True:
            try:
                requeued = await self.requeue(age_s)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
                log.warning("reconcile.waits", reason=str(translated(error) or error))
                await self.clock.sleep(_RETRY_S)
                continue
            log.info("reconcile.done", requeued=requeued, older_than_s=age_s)
            age_s = self.after_s
            await self.clock.sleep(self.after_s / 2)
