"""Rows: a line of a comparison each, and what the gate says to it."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.evaluator.evidence import Evidence, Figure
from services.evaluator.gate import Gate
from services.evaluator.statistics.holm import holm
from services.evaluator.verdict import Ask, Ruling, is_enough, rule_on

ALPHA, POWER = 0.05, 0.8


@dataclass(frozen=True, slots=True)
class Row:
    """A metric on a slice; with a rule of the gate it has a verdict. `margin` is the rule's margin or bound.

    `candidate` and `baseline` have intervals of level 1 - alpha. The difference is candidate - baseline. With a rule about it the ends of
    its interval are one-sided bounds of that level, and `p_value` is that of being worse, `p_adjusted` the same after Holm's correction
    over all such rows; without one the interval is of level 1 - alpha, and the p-value two-sided. `mde`: the least effect that these
    cases find with the gate's power, at the level that the correction may demand. A rule about the candidate alone looks at all of its
    cases, also at those that the baseline lacks.
    """

    metric: str
    slice: str
    n: int
    clusters: int
    higher_is_better: bool
    candidate: Figure | None
    baseline: Figure | None
    difference: Figure | None
    p_value: float | None
    p_adjusted: float | None
    mde: float | None
    rule: str | None
    margin: float | None
    verdict: str | None
    reason: str


def make_rows(found: Sequence[Evidence], gate: Gate | None) -> list[Row]:
    """A row of each, in the order given."""
    tested = [number for number, evidence in enumerate(found) if gate and _is_tested(evidence, gate)]
    adjusted = dict(zip(tested, holm([_worse(found[number]) for number in tested]), strict=True))
    return [
        _ruled(evidence, gate, adjusted.get(number), len(tested)) if gate and evidence.asked.rule else _unruled(evidence, gate)
        for number, evidence in enumerate(found)
    ]


def _is_tested(evidence: Evidence, gate: Gate) -> bool:
    """Whether it is one of the tests that are corrected for one another: a difference that a rule asks for, of enough cases."""
    rule = evidence.asked.rule
    return rule is not None and rule.rule.compares and evidence.significance is not None and is_enough(rule, evidence, gate)


def _worse(evidence: Evidence) -> float:
    return evidence.significance.worse if evidence.significance else 1.0


def _ruled(evidence: Evidence, gate: Gate, adjusted: float | None, tests: int) -> Row:
    rule = evidence.asked.rule
    assert rule is not None  # noqa: S101 - who calls it looked
    mde = _mde(evidence, gate.alpha / max(1, tests), gate.power)
    ruling = rule_on(Ask(rule, evidence, gate, adjusted, mde))
    test = evidence.significance
    p = None if test is None else test.worse if rule.rule.compares else test.either
    return _row(evidence, ruling.reason, mde, p, adjusted, ruling)


def _unruled(evidence: Evidence, gate: Gate | None) -> Row:
    alpha, power = (gate.alpha, gate.power) if gate else (ALPHA, POWER)
    test = evidence.significance
    told = f"no rule; {test.test}, two-sided, uncorrected" if test else "no rule"
    return _row(evidence, told, _mde(evidence, alpha, power), test.either if test else None)


def _mde(evidence: Evidence, alpha: float, power: float) -> float | None:
    return evidence.spread.detectable(alpha, power, evidence.asked.metric.most or 0.0) if evidence.spread else None


def _row(
    evidence: Evidence, reason: str, mde: float | None, p: float | None, adjusted: float | None = None, ruling: Ruling | None = None
) -> Row:
    asked = evidence.asked
    return Row(
        metric=asked.metric.name,
        slice=str(asked.slice),
        n=evidence.n,
        clusters=evidence.clusters,
        higher_is_better=asked.metric.higher_is_better,
        candidate=evidence.candidate,
        baseline=evidence.baseline,
        difference=evidence.difference,
        p_value=p,
        p_adjusted=adjusted,
        mde=mde,
        rule=str(asked.rule.rule) if asked.rule else None,
        margin=asked.rule.limit if asked.rule else None,
        verdict=str(ruling.verdict) if ruling else None,
        reason=reason,
    )
