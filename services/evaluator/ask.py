"""Many cases: so many are asked at once, and each result is kept as it comes."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from kit.clock import Clock
from kit.errors import WorkbenchError
from kit.metrics import EVAL_CASES
from services.evaluator.case_store import CaseStore, Result, Waiting
from services.evaluator.measure import Measure
from services.evaluator.store import RUNNING

# How soon it is seen that nobody wants the answers any more, while none comes.
_LOOK_EVERY_S = 1.0


class _Ended(Exception):
    """The run goes on no more."""


@dataclass
class Asking:
    """The cases of one message. Results are kept together if they come together."""

    cases: CaseStore
    measure: Measure
    run_id: UUID
    clock: Clock
    concurrency: int
    _new: list[Result] = field(default_factory=list)
    _kept: int = 0
    _keeping: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def ask(self, waiting: Sequence[Waiting], until: float) -> int:
        """Asks cases until that time, or until the run has ended; gives how many have a result now.

        Raises DependencyDown if rag or the database is away, Permanent if no case can be asked.
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
            await self._keep_new()
            raise _first(errors) from errors
        return self._kept

    async def _work(self, group: asyncio.TaskGroup, left: Iterator[Waiting], until: float) -> None:
        for waiting in left:
            if self.clock.monotonic() >= until:
                return
            result = await self.measure.measured(waiting, until)
            if result is not None:
                self._new.append(result)
                group.create_task(self._keep())

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            await self._keep(always=True)

    async def _keep(self, *, always: bool = False) -> None:
        """Keeps what nobody has kept; whoever waits for the lock finds that done."""
        async with self._keeping:
            if (self._new or always) and await self._keep_new() != RUNNING:
                raise _Ended

    async def _keep_new(self) -> str:
        new = list(self._new)
        status = await self.cases.put(self.run_id, new)
        del self._new[: len(new)]
        self._kept += len(new)
        for result in new:
            EVAL_CASES.labels("failed" if result.error else "answered").inc()
        return status


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """One of our errors, which say what to do; else the first."""
    ours = group.split(WorkbenchError)[0]
    found: BaseException = ours or group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    return found
