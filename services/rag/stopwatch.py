"""How long each stage of an answer took."""

from collections.abc import Iterator
from contextlib import contextmanager

from kit.clock import Clock
from kit.metrics import QUERY_STAGE_SECONDS
from kit.tracing import span

STAGES = ("embed", "retrieve", "rerank", "generate", "cite")


class Stopwatch:
    """Times the stages of one request; a stage that did not happen took 0 ms."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._start = clock.monotonic()
        self._timings: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Times its block, in a span of that name."""
        start = self._clock.monotonic()
        with span(f"rag.{name}"):
            yield
        seconds = self._clock.monotonic() - start
        QUERY_STAGE_SECONDS.labels(name).observe(seconds)
        self._timings[name] = round(seconds * 1000, 3)

    def timings_ms(self, *stages: str) -> dict[str, float]:
        """The milliseconds of each of `stages` (all without any), and `total` since the beginning."""
        total = round((self._clock.monotonic() - self._start) * 1000, 3)
        return {name: self._timings.get(name, 0.0) for name in stages or STAGES} | {"total": total}
