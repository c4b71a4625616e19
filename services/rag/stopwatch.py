"""How long each stage of an answer took, how long the rest may take, and what had to be left out."""

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import structlog

from kit.clock import Clock
from kit.errors import DependencyDown
from kit.metrics import DEGRADED, QUERY_STAGE_SECONDS
from kit.tracing import span

log = structlog.get_logger(__name__)

T = TypeVar("T")
STAGES = ("embed", "retrieve", "rerank", "generate", "cite")
BUDGET_S = 60.0


class Stopwatch:
    """Times the stages of one request, which share `budget_s` seconds; a stage that did not happen took 0 ms.

    `degraded` tells what the answer had to do without, in the order in which it failed.
    """

    def __init__(self, clock: Clock, budget_s: float = BUDGET_S) -> None:
        self._clock = clock
        self._start = clock.monotonic()
        self._budget_s = budget_s
        self._timings: dict[str, float] = {}
        self.degraded: list[str] = []

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Times its block, in a span of that name; what it took before is added."""
        start = self._clock.monotonic()
        with span(f"rag.{name}"):
            yield
        seconds = self._clock.monotonic() - start
        QUERY_STAGE_SECONDS.labels(name).observe(seconds)
        self._timings[name] = round(self._timings.get(name, 0.0) + seconds * 1000, 3)

    async def within(self, share: float, work: Awaitable[T]) -> T:
        """What `work` gives. Raises DependencyDown `deadline_passed` if it takes more than that share of what is left."""
        left_s = max(self._budget_s - (self._clock.monotonic() - self._start), 0.0)
        limit = asyncio.timeout(share * left_s)
        try:
            async with limit:
                return await work
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise DependencyDown("deadline_passed", f"it took over {share * left_s:.1f} s; allow more time, or ask for less") from error

    def degrade(self, what: str, reason: object) -> None:
        """Notes that the answer does without `what`."""
        if what not in self.degraded:
            self.degraded.append(what)
        DEGRADED.labels(what).inc()
        log.warning("answer.degraded", without=what, reason=str(reason))

    def timings_ms(self, *stages: str) -> dict[str, float]:
        """The milliseconds of each of `stages` (all without any), and `total` since the beginning."""
        total = round((self._clock.monotonic() - self._start) * 1000, 3)
        return {name: self._timings.get(name, 0.0) for name in stages or STAGES} | {"total": total}
