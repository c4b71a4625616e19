"""What a scorer is: it judges one answer and gives evidence, or says why it cannot. A score is never a silent zero."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from kit.datasets.case import Case
from services.evaluator.answered import Answered


@dataclass(frozen=True, slots=True)
class Score:
    """What one answer is worth, and why."""

    value: float
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Unscored:
    """Why an answer has no score."""

    reason: str


Judgement = Score | Unscored


class Scorer(Protocol):
    """Promise: equal cases and answers get equal scores, or nearly, where a model judges."""

    @property
    def names(self) -> tuple[str, ...]:
        """Those of all its scores; each of them is judged."""
        ...

    async def judge(self, case: Case, answer: Answered) -> Mapping[str, Judgement]:
        """The scores of one answer, by name. Raises DependencyDown or Transient if a model that it asks is away."""
        ...
