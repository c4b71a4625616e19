"""One question to the database for many callers: those who come while one is under way are asked for together by the next."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

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
        return await asyncio.shield(mine.result)

    async def _run(self, mine: _Round[T, R]) -> R:
        async with self._asking:
            self._next = _Round()
            return await self._ask(mine.items)
