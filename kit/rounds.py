"""One question to the database for many callers: those who come while one is under way are asked for together by the next."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import structlog

log = structlog.get_logger(__name__)

T = TypeVar("T")
R = TypeVar("R")


@dataclass(slots=True)
class _Round(Generic[T, R]):
    items: list[T] = field(default_factory=list)
    result: "asyncio.Task[R] | None" = None


class Rounds(Generic[T, R]):
    """`ask` is called with what all callers of a round brought, never twice at a time, and never with what came after it began.

    A caller alone waits for nobody. One that leaves stops nothing; a failure is everybody's of that round.
    """

    def __init__(self, ask: Callable[[Sequence[T]], Awaitable[R]]) -> None:
        self._ask = ask
        self._next = _Round[T, R]()
        self._asking = asyncio.Lock()

    async def join(self, items: Iterable[T]) -> R:
        """What the round gives whose question begins after this call. Raises as `ask` does."""
        mine = self._next
        mine.items.extend(items)
        if mine.result is None:
            mine.result = asyncio.create_task(self._run(mine))
            mine.result.add_done_callback(_ended)
        return await asyncio.shield(mine.result)

    async def _run(self, mine: _Round[T, R]) -> R:
        async with self._asking:
            self._next = _Round()
            return await self._ask(mine.items)


def _ended(result: "asyncio.Task[Any]") -> None:
    """Says what failed, though all who asked may have left."""
    if not result.cancelled() and (error := result.exception()) is not None:
        log.warning("round.failed", reason=str(error) or type(error).__name__)
