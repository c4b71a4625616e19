"""Whether the event loop turns while others work."""

import asyncio
import time
from collections.abc import Coroutine
from itertools import pairwise
from typing import Any, TypeVar

T = TypeVar("T")


async def longest_stop(work: Coroutine[Any, Any, T]) -> tuple[T, float]:
    """What `work` gives, and the longest that the loop stood still meanwhile: in seconds that this process computed, on all threads.

    In those, a machine that pauses, or does something else, takes no time; nor does a loop that is kept waiting without computing.
    """
    turns, working = [time.process_time()], asyncio.ensure_future(work)
    while not working.done():
        await asyncio.sleep(0.005)
        turns.append(time.process_time())
    return await working, max(after - before for before, after in pairwise(turns))
