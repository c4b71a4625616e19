"""Many cases: so many are asked at once, and each result is kept as it comes."""

import asyncio
from collections.abc import Awaitable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

from kit.clock import Clock
from kit.errors import WorkbenchError
from kit.metrics import EVAL_CASES
from services.evaluator.answered import Answered
from services.evaluator.case_store import CaseStore, Result, Waiting
from services.evaluator.measure import Measure
from services.evaluator.store import RUNNING

# How soon it is seen that nobody wants the answers any more, while none comes.
_LOOK_EVERY_S = 1.0

T = TypeVar("T")


class _Ended(Exception):
    """The run goes on no more."""


@dataclass
class Asking:
    """The cases of one message: so many are asked at once, and as many scored. Results are kept together if they come together."""

    cases: CaseStore
    measure: Measure
    run_id: UUID
    clock: Clock
    concurrency: int
    _stopped_by: WorkbenchError | None = None
    _new: list[Result] = field(default_factory=list)
    _kept: int = 0
    _keeping: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self._judging = asyncio.Semaphore(self.concurrency)

    async def ask(self, waiting: Sequence[Waiting], until: float) -> int:
        """Asks cases until that time, or until the run has ended; gives how many have a result now.

        Raises DependencyDown if rag or the database is away, Permanent if no case can be asked; what is under way by then is kept first.
        """
        left = iter(waiting)
        try:
            async with asyncio.TaskGroup() as group:
                looking = group.create_task(self._look())
                async with asyncio.TaskGroup() as asking:
                    for _ in range(min(self.concurrency, len(waiting))):
                        asking.create_task(self._work(asking, left, until))
                looking.cancel()
        except BaseExceptionGroup as errors:
            if errors.split(_Ended)[1] is None:
                return self._kept
            with suppress(_Ended):
                await self._keep_new()
            raise _first(errors) from errors
        if self._stopped_by is not None:
            raise self._stopped_by
        return self._kept

    async def _work(self, group: asyncio.TaskGroup, left: Iterator[Waiting], until: float) -> None:
        for waiting in left:
            if self._stopped_by is not None or self.clock.monotonic() >= until:
                return
            answer = await self._unless_stopped(self.measure.answered(waiting, until))
            if isinstance(answer, Answered):
                await self._judging.acquire()
                group.create_task(self._judge(waiting, answer, until))
            elif answer is not None:
                group.create_task(self._keep(answer))

    async def _judge(self, waiting: Waiting, answer: Answered, until: float) -> None:
        """Beside the next question: what scorers ask for is no reason to leave rag idle."""
        try:
            result = await self._unless_stopped(self.measure.scored(waiting, answer, until))
        finally:
            self._judging.release()
        if result is not None:
            await self._keep(result)

    async def _unless_stopped(self, work: Awaitable[T]) -> T | None:
        """None if it fails for everybody: no more is asked, and what others have under way is waited for."""
        try:
            return await work
        except WorkbenchError as error:
            self._stopped_by = self._stopped_by or error
            return None

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            async with self._keeping:
                await self._keep_new()

    async def _keep(self, result: Result) -> None:
        """Keeps it with all that nobody has kept; whoever waits for the lock finds that done."""
        self._new.append(result)
        async with self._keeping:
            if self._new:
                await self._keep_new()

    async def _keep_new(self) -> None:
        new = list(self._new)
        status = await self.cases.put(self.run_id, new)
        del self._new[: len(new)]
        self._kept += len(new)
        for result in new:
            EVAL_CASES.labels("failed" if result.error else "answered").inc()
        if status != RUNNING:
            raise _Ended


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """One of our errors, which say what to do; else the first."""
    ours = group.split(WorkbenchError)[0]
    found: BaseException = ours or group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found
