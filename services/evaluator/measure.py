"""One case: rag is asked, and its answer scored. What cannot be had is an error with its reason, never a score of zero."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from contracts.queries import NamedVersion
from kit.clock import Clock
from kit.errors import Permanent, Transient
from services.evaluator.answered import Answered
from services.evaluator.case_store import Result, Waiting
from services.evaluator.rag import TIMEOUT, Rag, Refused
from services.evaluator.scorers import score_all
from services.evaluator.scorers.scorer import Scorer

T = TypeVar("T")

TRIES = 4
_BACK_OFF_S = 0.5
_LONGEST_PAUSE_S = 30.0
# Who fails for so long, twice at least, is an error though tries are left: they would not fit into any message.
_LONGEST_FAILING_S = 30.0


class OutOfTime(Exception):
    """There is no time left to try again: another message will."""


@dataclass(frozen=True, slots=True)
class Measure:
    """Asks a variant, which must be answered by the version of the prompt that was pinned, and on nothing less than it says."""

    rag: Rag
    scorers: Sequence[Scorer]
    variant: NamedVersion
    prompt: NamedVersion
    clock: Clock

    async def answered(self, waiting: Waiting, until: float) -> Answered | Result | None:
        """The answer, or the error that there is instead; None if another try would begin after `until`.

        Raises DependencyDown if rag is away, Permanent if no case can be asked.
        """
        return await self._or_error(waiting, lambda: self._asked(waiting), until)

    async def scored(self, waiting: Waiting, answer: Answered, until: float) -> Result | None:
        """The answer with its scores, or an error. Raises as `answered`."""
        scores = await self._or_error(waiting, lambda: score_all(self.scorers, waiting.case, answer), until)
        return Result(waiting.ordinal, waiting.repeat, answer, scores) if isinstance(scores, dict) else scores

    async def _or_error(self, waiting: Waiting, work: Callable[[], Awaitable[T]], until: float) -> T | Result | None:
        try:
            return await self._tried(work, until)
        except OutOfTime:
            return None
        except (Refused, Transient) as error:
            return Result(waiting.ordinal, waiting.repeat, error=error.message, code=error.code)

    async def _asked(self, waiting: Waiting) -> Answered:
        answer = await self.rag.ask(waiting.case.question, self.variant)
        if answer.prompt != self.prompt:
            asked, got = (f"{prompt.name}@{prompt.version}" for prompt in (self.prompt, answer.prompt))
            told = f"the variant's prompt was {asked} and is {got} now: evaluate again, or name a version of the prompt in the variant"
            raise Permanent("prompt_moved", told)
        if answer.degraded:
            raise Transient("answer_degraded", f"the answer had to do without {', '.join(answer.degraded)}, so it is not the variant's")
        return answer

    async def _tried(self, work: Callable[[], Awaitable[T]], until: float) -> T:
        began = self.clock.monotonic()
        for attempt in range(1, TRIES):
            try:
                return await work()
            except Transient as error:
                pause = _BACK_OFF_S * 2 ** (attempt - 1) if error.after_s is None else error.after_s
                if pause > _LONGEST_PAUSE_S or (error.code == TIMEOUT and attempt > 1):
                    raise
                if (now := self.clock.monotonic()) + pause >= until:
                    if attempt > 1 and now - began > _LONGEST_FAILING_S:
                        raise
                    raise OutOfTime from error
                await self.clock.sleep(pause)
        return await work()
