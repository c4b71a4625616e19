"""Calls of one kind by several clients, in turns, so that a busy machine is as busy for each. Needs the standard library alone."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

Call = Callable[[], Awaitable[float]]

_WARM_UP = 20
_A_TURN = 4


async def take_turns(calls: Mapping[str, Call], at_once: int, count: int) -> dict[str, list[float]]:
    """What `count` calls of each say they took, `at_once` of them at a time, after some that warm up."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        await _some(call, at_once, _WARM_UP)
    order = list(calls)
    for _ in range(count // (_A_TURN * at_once)):
        for name in order:
            taken[name] += await _some(calls[name], at_once, _A_TURN * at_once)
        order.reverse()
    return taken


async def _some(call: Call, at_once: int, count: int) -> list[float]:
    waiting, taken = iter(range(count)), list[float]()

    async def client() -> None:
        for _ in waiting:
            taken.append(await call())

    await asyncio.gather(*(client() for _ in range(at_once)))
    return taken
