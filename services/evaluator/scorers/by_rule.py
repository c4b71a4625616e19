"""Scorers that ask nobody."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kit.datasets.case import Case
from services.evaluator.answered import Answered
from services.evaluator.scorers.scorer import Judgement

Rule = Callable[[Case, Answered], Judgement]


@dataclass(frozen=True, slots=True)
class ByRule:
    """`Scorer` whose scores are computed."""

    names: tuple[str, ...]
    rule: Callable[[Case, Answered], Mapping[str, Judgement]]

    async def judge(self, case: Case, answer: Answered) -> Mapping[str, Judgement]:
        return self.rule(case, answer)


def one(name: str, rule: Rule) -> ByRule:
    """Gives a single score."""
    return ByRule((name,), lambda case, answer: {name: rule(case, answer)})
