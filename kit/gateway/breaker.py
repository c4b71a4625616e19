"""Leaves a model alone that failed again and again, until one call shows that it is back."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from enum import IntEnum

import structlog

from kit.clock import Clock
from kit.errors import DependencyDown, WorkbenchError
from kit.gateway.faults import BREAKER_OPEN, provider_answered, provider_failed
from kit.gateway.settings import BreakerSettings
from kit.metrics import LLM_BREAKER
from kit.ports.llm import Completion, CompletionRequest, LLMClient

log = structlog.get_logger(__name__)


class State(IntEnum):
    """Closed lets every call through, open none, half-open one at a time. The numbers are those of the metric."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


class Breaker:
    """`LLMClient` that raises DependencyDown `llm_breaker_open` while the model is left alone; one breaker for each model of a provider.

    Only failures of the provider count, one after another. A bad request is an answer; a call that was cancelled, or that never reached the
    provider, says nothing about it.
    """

    def __init__(self, inner: LLMClient, settings: BreakerSettings, clock: Clock) -> None:
        self.provider, self.model = inner.provider, inner.model
        self._inner = inner
        self._settings = settings
        self._clock = clock
        self._failures = 0
        self._probing = False
        self._open_until = 0.0
        self._enter(State.CLOSED)

    async def complete(self, request: CompletionRequest) -> Completion:
        with self._judged():
            return await self._inner.complete(request)

    async def stream(self, request: CompletionRequest) -> AsyncGenerator[str | Completion, None]:
        with self._judged():
            async with aclosing(self._inner.stream(request)) as pieces:
                async for piece in pieces:
                    yield piece

    @contextmanager
    def _judged(self) -> Iterator[None]:
        probe = self._admit()
        try:
            yield
            self._answered(probe)
        except WorkbenchError as error:
            if provider_failed(error):
                self._failed(probe)
            elif provider_answered(error):
                self._answered(probe)
            raise
        finally:
            self._probing = self._probing and not probe

    def _admit(self) -> bool:
        """Whether this call is the one that tries if the model is back."""
        if self.state is State.CLOSED:
            return False
        wait_s = self._open_until - self._clock.monotonic()
        if wait_s > 0 or self._probing:
            told = f"{self.provider}/{self.model} failed {self._settings.failures} times in a row and is left alone; try later"
            raise DependencyDown(BREAKER_OPEN, told, max(wait_s, 0) or None)
        self._enter(State.HALF_OPEN)
        self._probing = True
        return True

    def _answered(self, probe: bool) -> None:
        """What comes late, from before the breaker opened, closes nothing."""
        self._failures = 0
        if probe:
            self._enter(State.CLOSED)

    def _failed(self, probe: bool) -> None:
        self._failures += 1
        if probe or (self.state is State.CLOSED and self._failures >= self._settings.failures):
            self._open_until = self._clock.monotonic() + self._settings.recovery_s
            self._enter(State.OPEN)
            log.warning("llm.breaker_opened", provider=self.provider, model=self.model, recovery_s=self._settings.recovery_s)

    def _enter(self, state: State) -> None:
        self.state = state
        LLM_BREAKER.labels(self.provider, self.model).set(state)
