"""Work that is done ever again beside a service's own, and waits while what it needs is away."""

from collections.abc import Awaitable, Callable

import asyncpg
import structlog

from kit.clock import Clock
from kit.errors import DependencyDown
from kit.postgres import translated

log = structlog.get_logger(__name__)

AWAY = (DependencyDown, asyncpg.PostgresError, asyncpg.InterfaceError, OSError)
RETRY_S = 1.0


async def periodically(name: str, work: Callable[[], Awaitable[object]], every_s: float, clock: Clock) -> None:
    """Does `work` every `every_s` seconds until cancelled; if a dependency is away, a second later again."""
    while True:
        try:
            await work()
        except AWAY as error:
            log.warning("job.waits", job=name, reason=str(translated(error) or error))
            await clock.sleep(RETRY_S)
        else:
            await clock.sleep(every_s)
