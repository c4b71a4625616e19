"""Verdicts: what evidence shows about a rule, in one sentence.

A rule about a difference passes on a one-sided bound of level 1 - alpha, which for `no_worse` allows for losses of scores with bounds that
no case shows yet: so many equal cases are not proof that none will be worse. It fails if the interval and the test, corrected for all such
rules of the gate, agree that the candidate is worse. That all rules must pass needs no correction (Berger, 1982, Technometrics 24(4)).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from types import MappingProxyType

from services.evaluator.evidence import Evidence, Figure
from services.evaluator.gate import Gate, Kind, Rule
from services.evaluator.metrics.table import MS, USD
from services.evaluator.statistics.noninferiority import units_without_loss
from services.evaluator.statistics.power import Spread

_ROUNDING = 1e-9


class Verdict(StrEnum):
    """PASS: shown to be as the rule wants; FAIL: shown not to be; INCONCLUSIVE: these cases show neither."""

    PASS = "PASS"  # noqa: S105 - no password
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"


@dataclass(frozen=True, slots=True)
class Ruling:
    """A verdict and its reason, one sentence without a full stop."""

    verdict: Verdict
    reason: str


@dataclass(frozen=True, slots=True)
class Ask:
    """A rule with its evidence; `p` is that of being worse, after Holm, and `mde` what could be found at the level that this needs."""

    rule: Rule
    evidence: Evidence
    gate: Gate
    p: float | None = None
    mde: float | None = None

    @property
    def least(self) -> int:
        """How many cases there must be."""
        return self.gate.min_cases if self.evidence.asked.slice.key is None else self.gate.min_slice_cases

    @property
    def loss(self) -> float:
        """What a case that breaks loses."""
        return self.evidence.asked.metric.most or 0.0

    def told(self, value: float) -> str:
        """A value in the metric's unit."""
        unit = self.evidence.asked.metric.unit
        return f"{value:,.0f} ms" if unit == MS else f"${value:.6f}" if unit == USD else f"{value:.3f}"


def is_enough(rule: Rule, evidence: Evidence, gate: Gate) -> bool:
    """Whether there are so many cases that the rule can be decided."""
    return evidence.n >= Ask(rule, evidence, gate).least and evidence.clusters > 1


def rule_on(ask: Ask) -> Ruling:
    """The verdict of one rule."""
    lacking = _lacking(ask)
    return Ruling(Verdict.INCONCLUSIVE, lacking) if lacking else _JUDGES[ask.rule.rule](ask)


def overall(rulings: Sequence[tuple[str, Ruling]], lost_too_many: str | None, unfit: str | None = None) -> Ruling:
    """The gate's: FAIL if any rule fails or too many questions got no answer, PASS if all pass, else INCONCLUSIVE.

    `unfit` says why the runs are none to compare: then nothing passes.
    """
    if lost_too_many:
        return Ruling(Verdict.FAIL, lost_too_many)
    for verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE):
        found = [f"{name}: {ruling.reason}" for name, ruling in rulings if ruling.verdict is verdict]
        if unfit and verdict is Verdict.INCONCLUSIVE:
            return Ruling(verdict, unfit)
        if found:
            word = "fail" if verdict is Verdict.FAIL else "stay open"
            return Ruling(verdict, found[0] + (f"; {len(found)} of {len(rulings)} rules {word}" if len(found) > 1 else ""))
    return Ruling(Verdict.PASS, f"all {len(rulings)} rules hold" if len(rulings) > 1 else f"{rulings[0][0]}: {rulings[0][1].reason}")


def lost_too_many(errors: float, cases: int, gate: Gate) -> str | None:
    """The reason to fail a candidate that leaves more questions without an answer than the gate allows; a repeat is a part of one."""
    return _unanswered("candidate", errors, cases, gate) if cases else "the candidate has no cases"


def unfit_baseline(errors: float, cases: int, gate: Gate) -> str | None:
    """The reason not to compare with a baseline that left more questions without an answer than the gate allows: hard ones, it may be."""
    told = _unanswered("baseline", errors, cases, gate) if cases else "the baseline has no cases"
    return f"{told}; measure it anew" if told else None


def too_unlike(ours: int, theirs: int, cases: int, gate: Gate) -> str | None:
    """The reason not to compare runs of different cases: so many only the candidate has, and so many only the baseline, of all of them."""
    if ours + theirs <= gate.max_errors * cases:
        return None
    lacking = f"the candidate lacks {theirs} and the baseline {ours} of the {cases} cases that there are"
    return f"{lacking}, more than the {gate.max_errors:.1%} that the gate allows; measure both on the same cases"


def _unanswered(run: str, errors: float, cases: int, gate: Gate) -> str | None:
    if errors <= gate.max_errors * cases + _ROUNDING:
        return None
    told = f"{errors:.1f}".removesuffix(".0")
    return f"{told} of the {run}'s {cases} questions got no answer, more than the {gate.max_errors:.1%} that the gate allows"


def _lacking(ask: Ask) -> str | None:
    """Why nothing can be decided."""
    evidence, name, compares = ask.evidence, ask.evidence.asked.metric.name, ask.rule.rule.compares
    if not evidence.n:
        return f"no case has a score for {name}" + (" in both runs" if compares and evidence.lost else "")
    if compares and evidence.difference is None:
        return "there is no baseline to compare with"
    if evidence.n < ask.least:
        return f"{evidence.n} cases with a score for {name} are too few: the gate wants {ask.least}"
    if evidence.clusters < 2:
        return f"all {evidence.n} cases are of one cluster, which shows no spread"
    return None


def _no_worse(ask: Ask) -> Ruling:
    difference = _signed(ask)
    assert difference.low is not None  # noqa: S101 - `_lacking`
    margin = ask.told(ask.rule.limit)
    if difference.low > -ask.rule.limit:
        at_most = f"worse by at most {ask.told(max(0.0, -difference.low))}, within the margin of {margin}"
        return _unless_lost(ask, f"{at_most}, though worse by {ask.told(-difference.value)}" if _is_worse(ask, difference) else at_most)
    return _is_worse(ask, difference) or Ruling(
        Verdict.INCONCLUSIVE,
        f"neither shown to be within {margin} of the baseline nor to be worse: {_between(ask, difference)}"
        f"{_powerless(ask, lambda spread: max(spread.needed(ask.rule.limit, ask.gate.alpha, ask.gate.power), _least_cases(ask)))}",
    )


def _least_cases(ask: Ask) -> int:
    """Of so many, if they cluster as these do, none may be worse, and a loss of the margin is ruled out."""
    if not ask.loss:
        return 0
    units = units_without_loss(ask.rule.limit, ask.gate.alpha, ask.loss)
    return ceil(units * ask.evidence.n / ask.evidence.clusters)


def _better(ask: Ask) -> Ruling:
    difference, significance = _signed(ask), ask.evidence.significance
    assert difference.low is not None  # noqa: S101 - `_lacking`
    assert significance is not None  # noqa: S101 - as above
    margin = f"by more than {ask.told(ask.rule.limit)}" if ask.rule.limit else "at all"
    if difference.low > ask.rule.limit and significance.better <= ask.gate.alpha:
        return _unless_lost(ask, f"better {margin}: {_between(ask, difference)}; {significance.test}, p = {significance.better:.3g}")
    gained = difference.value - ask.rule.limit
    return _is_worse(ask, difference) or Ruling(
        Verdict.INCONCLUSIVE,
        f"not shown to be better {margin}, nor to be worse: {_between(ask, difference)}"
        + _powerless(ask, (lambda spread: spread.needed(gained, ask.gate.alpha, ask.gate.power)) if gained > 0 else None),
    )


def _is_worse(ask: Ask, difference: Figure) -> Ruling | None:
    """FAIL, if the interval and the test agree."""
    significance = ask.evidence.significance
    if difference.high is None or difference.high >= 0 or significance is None or ask.p is None or ask.p > ask.gate.alpha:
        return None
    p = f"{significance.test}, p = {significance.worse:.3g}, {ask.p:.3g} after Holm"
    return Ruling(Verdict.FAIL, f"worse by {ask.told(-difference.value)}, by {ask.told(-difference.high)} at least; {p}")


def _unless_lost(ask: Ask, reason: str) -> Ruling:
    """PASS, but not by leaving out what is hard."""
    evidence = ask.evidence
    if evidence.lost <= ask.gate.max_unscored * (evidence.n + evidence.lost):
        return Ruling(Verdict.PASS, reason)
    lost = f"{evidence.lost} of {evidence.n + evidence.lost} cases have no score where the baseline has one"
    return Ruling(Verdict.INCONCLUSIVE, f"{lost}; of the others: {reason}")


def _at_least(ask: Ask) -> Ruling:
    return _bounded(ask, 1, "at least")


def _at_most(ask: Ask) -> Ruling:
    return _bounded(ask, -1, "at most")


def _bounded(ask: Ask, sign: int, words: str) -> Ruling:
    """By the interval of the candidate's value."""
    value = ask.evidence.candidate
    assert value is not None  # noqa: S101 - `_lacking`
    assert value.low is not None  # noqa: S101 - as above
    assert value.high is not None  # noqa: S101 - as above
    told = f"{ask.told(value.value)} [{ask.told(value.low)}, {ask.told(value.high)}]"
    worst, best = (value.low, value.high) if sign > 0 else (value.high, value.low)
    limit = sign * ask.rule.limit - _ROUNDING * abs(ask.rule.limit)
    if sign * worst >= limit:
        return _unless_lost(ask, f"{told} is {words} {ask.told(ask.rule.limit)}")
    if sign * best < limit:
        return Ruling(Verdict.FAIL, f"{told} is not {words} {ask.told(ask.rule.limit)}")
    return Ruling(Verdict.INCONCLUSIVE, f"{told} lies on both sides of {ask.told(ask.rule.limit)}; more cases would narrow it")


_JUDGES: Mapping[Kind, Callable[[Ask], Ruling]] = MappingProxyType(
    {Kind.NO_WORSE: _no_worse, Kind.BETTER: _better, Kind.AT_LEAST: _at_least, Kind.AT_MOST: _at_most}
)


def _signed(ask: Ask) -> Figure:
    difference = ask.evidence.difference
    assert difference is not None  # noqa: S101 - `_lacking`
    return difference.signed(ask.evidence.asked.metric.higher_is_better)


def _between(ask: Ask, difference: Figure) -> str:
    """A difference that is signed so that more is better."""
    ends = " to ".join(f"{'+' if end >= 0 else '-'}{ask.told(abs(end))}" for end in (difference.low, difference.high) if end is not None)
    return f"{'better' if difference.value >= 0 else 'worse'} by {ask.told(abs(difference.value))} ({ends})"


def _powerless(ask: Ask, needed: Callable[[Spread], int] | None) -> str:
    """What could have been found, and how many cases would decide."""
    spread, cases = ask.evidence.spread, ""
    if spread is not None and needed is not None and (count := needed(spread)) > ask.evidence.n:
        cases = f"; about {count:,} cases would decide"
    return ("" if ask.mde is None else f"; with {ask.evidence.n} cases an effect of {ask.told(ask.mde)} can be found") + cases
