"""What a judge says of an answer, and how far it can be trusted: by the order it reads in, and by the length of what it reads."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import ceil
from statistics import fmean
from typing import Any, ClassVar

from kit.datasets.case import Case
from kit.errors import Permanent
from services.evaluator.answered import Answered
from services.evaluator.judge import Judge, Matter, Verdict
from services.evaluator.judge_prompts import FILLER
from services.evaluator.scorers.matters import answer_relevancy, correctness, faithfulness
from services.evaluator.scorers.reasons import unscored
from services.evaluator.scorers.scorer import Judgement, Score, Scorer, Unscored
from services.evaluator.scorers.tools import Tools

_Ask = Callable[[Case, Answered], Matter[Any] | Judgement]
_RATED: Mapping[str, _Ask] = {"answer_relevancy": answer_relevancy, "correctness": correctness}
_ASKED: Mapping[str, _Ask] = {"faithfulness": faithfulness, **_RATED}
_AGREEMENT, _LENGTH_BIAS = "judge_agreement", "judge_length_bias"
_NAMES = (*_ASKED, _AGREEMENT, _LENGTH_BIAS)
_NO_JUDGE = Unscored("no judge is set up; set EVALUATOR_JUDGE__PROVIDER and EVALUATOR_JUDGE__MODEL")
_NOT_ASKED = Unscored("the judge gave no verdict")
_NOT_PROBED = Unscored("this case is not among those that are probed")


@dataclass(frozen=True, slots=True)
class ByJudge:
    """`Scorer` that asks about each thing twice, in both orders, and gives the mean.

    `judge_agreement` tells how little the order mattered, `judge_length_bias` how much better an answer is rated with words that say
    nothing behind it: 0 or less from a judge that counts no words.
    """

    by: Judge
    names: ClassVar[tuple[str, ...]] = _NAMES

    async def judge(self, case: Case, answer: Answered) -> Mapping[str, Judgement]:
        found = {name: await self._asked(ask(case, answer)) for name, ask in _ASKED.items()}
        verdicts = {name: verdict for name, verdict in found.items() if isinstance(verdict, Verdict)}
        scores = {name: Score(one.value, one.why) if isinstance(one, Verdict) else one for name, one in found.items()}
        return {**scores, _AGREEMENT: _agreement(verdicts), _LENGTH_BIAS: await self._length_bias(case, answer, verdicts)}

    async def _asked(self, matter: Matter[Any] | Judgement) -> Verdict | Judgement:
        if not isinstance(matter, Matter):
            return matter
        try:
            return await self.by.verdict(matter)
        except Permanent as error:
            return unscored(error)

    async def _length_bias(self, case: Case, answer: Answered, verdicts: Mapping[str, Verdict]) -> Judgement:
        if not self.by.probes(case.id):
            return _NOT_PROBED
        try:
            gains = {name: await self._gain(ask(case, padded(answer)), verdicts[name]) for name, ask in _RATED.items() if name in verdicts}
        except Permanent as error:
            return unscored(error)
        told = "; ".join(f"{name} {gain:+g}" for name, gain in gains.items())
        return Score(fmean(gains.values()), told) if gains else _NOT_ASKED

    async def _gain(self, matter: Matter[Any] | Judgement, verdict: Verdict) -> float:
        assert isinstance(matter, Matter)  # noqa: S101 - there was a verdict on it
        return (await self.by.opinion(matter)).value - verdict.first.value


@dataclass(frozen=True, slots=True)
class NoJudge:
    """`Scorer` that says why nothing was judged."""

    names: ClassVar[tuple[str, ...]] = _NAMES

    async def judge(self, _: Case, __: Answered) -> Mapping[str, Judgement]:
        return dict.fromkeys(_NAMES, _NO_JUDGE)


def make(tools: Tools) -> Scorer:
    """Its scorer."""
    return ByJudge(tools.judge) if tools.judge else NoJudge()


def padded(answer: Answered) -> Answered:
    """The same answer, at least twice as long."""
    times = max(1, ceil(len(answer.text) / len(FILLER)))
    return replace(answer, text=" ".join([answer.text, *[FILLER] * times]))


def _agreement(verdicts: Mapping[str, Verdict]) -> Judgement:
    if not verdicts:
        return _NOT_ASKED
    told = "; ".join(f"{name} {verdict.first.value:g} and {verdict.swapped.value:g}" for name, verdict in verdicts.items())
    return Score(fmean(verdict.agreement for verdict in verdicts.values()), told)
