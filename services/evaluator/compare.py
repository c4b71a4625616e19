"""Compares two runs case by case: differences of all metrics, and what a gate says of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import fsum
from typing import Any

from services.evaluator.evidence import Evidence, weigh
from services.evaluator.gate import ALL, Gate
from services.evaluator.metrics.table import Metric, metric_of, metrics_of
from services.evaluator.pairs import Pair, count_changes, groups, pair, slices, telling
from services.evaluator.rows import ALPHA, Row, make_rows
from services.evaluator.sampled import EVERYTHING, Asked, of_one, of_pairs
from services.evaluator.scored import Scored
from services.evaluator.verdict import Ruling, Verdict, lost_too_many, overall, too_unlike, unfit_baseline

PRIMARY = "correct"
RESAMPLES = 10_000
# Of slices that no rule asks for: from so many cases on, of keys with so many values (one with more is an id), and of so many keys,
# since each takes about as long as all other figures of a metric.
LEAST_CASES, MOST_VALUES, MOST_KEYS = 10, 20, 5
_NO_GATE = "no gate was asked, so there are figures and no verdict"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two runs show; without a gate there is no verdict, without a baseline no difference."""

    gate: str | None
    gate_sha256: str | None
    alpha: float
    verdict: str | None
    reason: str
    metrics: tuple[Row, ...]
    cases: Mapping[str, int]
    primary: str

    def as_json(self) -> dict[str, Any]:
        """Values that JSON has; with the score by which cases are fixed or broken, so that others count them alike."""
        name, higher_is_better = telling(metric_of(self.primary))
        told = {"primary_score": name, "higher_is_better": higher_is_better}
        return asdict(self) | {"metrics": [asdict(row) for row in self.metrics], "cases": dict(self.cases)} | told


def compare(
    candidate: Sequence[Scored], baseline: Sequence[Scored] | None, gate: Gate | None, seed: int, resamples: int = RESAMPLES
) -> Comparison:
    """Compares what both runs say to the same cases; a case that one of them lacks, or has no score for, is left out of differences.

    The primary metric is also looked at on each value of the metadata, without a rule: uncorrected, two-sided, to see where to look.
    """
    pairs = None if baseline is None else pair(candidate, baseline)
    alpha, primary = (gate.alpha, gate.primary) if gate else (ALPHA, PRIMARY)
    asked = list(_asked(candidate, baseline, gate))
    asked += _to_look_at(metric_of(primary), [both.candidate for both in pairs] if pairs else candidate, asked)
    rows = make_rows(_weighed(asked, candidate, pairs, (alpha, seed, resamples)), gate)
    ruling = _overall(rows, candidate, baseline, gate) if gate else None
    return Comparison(
        gate=gate.name if gate else None,
        gate_sha256=gate.sha256 if gate else None,
        alpha=alpha,
        verdict=str(ruling.verdict) if ruling else None,
        reason=ruling.reason if ruling else _NO_GATE,
        metrics=tuple(rows),
        cases=count_changes(pairs or (), metric_of(primary)),
        primary=primary,
    )


def _asked(candidate: Sequence[Scored], baseline: Sequence[Scored] | None, gate: Gate | None) -> Iterator[Asked]:
    """What the rules ask for, in their order, then every other metric on all cases."""
    rules = gate.rules if gate else ()
    for rule in rules:
        metric = metric_of(rule.metric)
        yield Asked(metric, EVERYTHING, rule)
        yield from (Asked(metric, each, rule.of_slices) for named in rule.slices for each in slices(named, candidate))
    ruled = {rule.metric for rule in rules}
    yield from (Asked(metric) for metric in metrics_of([*candidate, *(baseline or ())]) if metric.name not in ruled)


def _to_look_at(metric: Metric, cases: Sequence[Scored], asked: Sequence[Asked]) -> list[Asked]:
    """The metric on each value of the metadata, so that it is seen where a difference comes from; no rule, no verdict."""
    known = {(each.metric.name, each.slice) for each in asked}
    found = groups([case for case in cases if metric.scores(case)], LEAST_CASES, MOST_VALUES, MOST_KEYS)
    return [Asked(metric, each) for each in found if (metric.name, each) not in known]


def _weighed(
    asked: Sequence[Asked], candidate: Sequence[Scored], pairs: Sequence[Pair] | None, how: tuple[float, int, int]
) -> list[Evidence]:
    """The evidence: of pairs, but for the candidate's own figures where a rule is about it alone, or the baseline has no scores."""
    if pairs is None:
        return weigh([of_one(each, candidate) for each in asked], *how)
    found = weigh([of_pairs(each, pairs) for each in asked], *how)
    alone = [number for number, each in enumerate(asked) if not each.compares and (each.rule or not found[number].n)]
    own = dict(zip(alone, weigh([of_one(asked[number], candidate) for number in alone], *how), strict=True))
    return [_with_own(evidence, own.get(number)) for number, evidence in enumerate(found)]


def _with_own(evidence: Evidence, own: Evidence | None) -> Evidence:
    return replace(evidence, n=own.n, clusters=own.clusters, candidate=own.candidate) if own else evidence


def _overall(rows: Sequence[Row], candidate: Sequence[Scored], baseline: Sequence[Scored] | None, gate: Gate) -> Ruling:
    rulings = [(_named(row), Ruling(Verdict(row.verdict), row.reason)) for row in rows if row.verdict]
    compared = baseline if gate.compares else None
    unfit = None if compared is None else unfit_baseline(*_unanswered(compared), gate) or _unlike(candidate, compared, gate)
    return overall(rulings, lost_too_many(*_unanswered(candidate), gate), unfit)


def _unanswered(cases: Sequence[Scored]) -> tuple[float, int]:
    return fsum(case.unanswered for case in cases), len(cases)


def _unlike(candidate: Sequence[Scored], baseline: Sequence[Scored], gate: Gate) -> str | None:
    ours, theirs = ({case.case_id for case in cases} for cases in (candidate, baseline))
    return too_unlike(len(ours - theirs), len(theirs - ours), len(ours | theirs), gate)


def _named(row: Row) -> str:
    return row.metric if row.slice == ALL else f"{row.metric} of {row.slice}"
