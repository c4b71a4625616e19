"""Asks one model again after a passing failure."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass

from kit.clock import Clock
from kit.errors import WorkbenchError
from kit.gateway.faults import PASSING, provider_failed
from kit.gateway.settings import RetrySettings
from kit.metrics import LLM_RETRIES
from kit.ports.llm import Completion, CompletionRequest, LLMClient


@dataclass
class _Tries:
    """The tries of one call; `began` is when the first did."""

    settings: RetrySettings
    clock: Clock
    chance: Callable[[], float]
    began: float
    made: int = 1

    async def pause(self, error: WorkbenchError) -> None:
        """Returns when the next try may begin. Raises `error` if there is to be none."""
        pause_s = self._pause_s(error.after_s)
        if not provider_failed(error) or self.made >= self.settings.attempts or pause_s is None:
            raise error
        if self.clock.monotonic() + pause_s > self.began + self.settings.deadline_s:
            raise error
        self.made += 1
        await self.clock.sleep(pause_s)

    def _pause_s(self, after_s: float | None) -> float | None:
        """Full jitter, on top of what the server asks for; None if that is too long to wait."""
        longest_s, backoff_s = self.settings.longest_pause_s, self.settings.backoff_s * 2.0 ** (self.made - 1)
        if after_s is None:
            return self.chance() * min(longest_s, backoff_s)
        return after_s + self.chance() * self.settings.backoff_s if after_s <= longest_s else None


class Retries:
    """`LLMClient` that repeats a call after a failure of the provider, but never one of which a piece was already handed on.

    `chance` gives numbers in [0, 1). Raises what the last try raised.
    """

    def __init__(self, inner: LLMClient, settings: RetrySettings, clock: Clock, chance: Callable[[], float]) -> None:
        self.provider, self.model = inner.provider, inner.model
        self._inner = inner
        self._settings = settings
        self._clock = clock
        self._chance = chance

    async def complete(self, request: CompletionRequest) -> Completion:
        tries = self._tries()
        while True:
            try:
                return await self._inner.complete(request)
            except PASSING as error:
                await self._again(tries, error)

    async def stream(self, request: CompletionRequest) -> AsyncGenerator[str | Completion, None]:
        tries, handed_on = self._tries(), False
        while True:
            try:
                async with aclosing(self._inner.stream(request)) as pieces:
                    async for piece in pieces:
                        handed_on = True
                        yield piece
            except PASSING as error:
                if handed_on:
                    raise
                await self._again(tries, error)
            else:
                return

    def _tries(self) -> _Tries:
        return _Tries(self._settings, self._clock, self._chance, self._clock.monotonic())

    async def _again(self, tries: _Tries, error: WorkbenchError) -> None:
        await tries.pause(error)
        LLM_RETRIES.labels(self.provider, error.code).inc()
