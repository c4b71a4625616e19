"""Holds calls back, so that a provider gets only so many at once."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager

from kit.errors import Transient
from kit.gateway.faults import GATE_FULL
from kit.gateway.settings import GateSettings
from kit.metrics import LLM_WAITING
from kit.ports.llm import Completion, CompletionRequest, LLMClient


class Places:
    """The places at one provider, shared by all its models."""

    def __init__(self, provider: str, settings: GateSettings) -> None:
        self._provider = provider
        self._settings = settings
        self._free = asyncio.Semaphore(settings.at_once)

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[None]:
        """Runs its block in a place of its own. Raises Transient `gateway_busy` if none gets free in time."""
        if self._free.locked():
            await self._wait()
        else:
            await self._free.acquire()
        try:
            yield
        finally:
            self._free.release()

    async def _wait(self) -> None:
        with LLM_WAITING.labels(self._provider).track_inprogress():
            try:
                async with asyncio.timeout(self._settings.queue_timeout_s):
                    await self._free.acquire()
            except TimeoutError:
                told = (
                    f"{self._settings.at_once} calls to {self._provider} are running, and none ended in time; send fewer at once, or later"
                )
                raise Transient(GATE_FULL, told) from None


class Gate:
    """`LLMClient` that waits for a place first, and keeps it until the last piece."""

    def __init__(self, inner: LLMClient, places: Places) -> None:
        self.provider, self.model = inner.provider, inner.model
        self._inner = inner
        self._places = places

    async def complete(self, request: CompletionRequest) -> Completion:
        async with self._places.taken():
            return await self._inner.complete(request)

    async def stream(self, request: CompletionRequest) -> AsyncGenerator[str | Completion, None]:
        async with self._places.taken(), aclosing(self._inner.stream(request)) as pieces:
            async for piece in pieces:
                yield piece
