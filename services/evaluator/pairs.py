"""Pairs: what two runs say to the same case, and how it changed."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.evaluator.gate import ALL
from services.evaluator.metrics.table import Metric
from services.evaluator.scored import Scored


@dataclass(frozen=True, slots=True)
class Pair:
    """A case as both runs have it."""

    candidate: Scored
    baseline: Scored


@dataclass(frozen=True, slots=True)
class Slice:
    """The cases whose metadata have that value; without a key all of them, without a value none."""

    key: str | None = None
    value: str | None = None

    def __str__(self) -> str:
        if self.key is None:
            return ALL
        return self.key if self.value is None else f"{self.key}={self.value}"

    def holds(self, case: Scored) -> bool:
        """Whether the case is of the slice."""
        return self.key is None or (self.value is not None and case.metadata.get(self.key) == self.value)


class Change(StrEnum):
    """What became of a case: its score went up or down, or only its text is another."""

    FIXED = "fixed"
    BROKEN = "broken"
    CHANGED = "changed"
    SAME = "same"


def pair(candidate: Sequence[Scored], baseline: Sequence[Scored]) -> list[Pair]:
    """The cases that both runs have, in the candidate's order."""
    known = {case.case_id: case for case in baseline}
    return [Pair(case, known[case.case_id]) for case in candidate if case.case_id in known]


def slices(named: str, cases: Iterable[Scored]) -> list[Slice]:
    """The slices that a rule's `key=value` or `key` means; a key that no case has is one slice without cases."""
    key, equals, value = named.partition("=")
    values = [value] if equals else sorted({case.metadata[key] for case in cases if key in case.metadata})
    return [Slice(key, value) for value in values] or [Slice(key)]


def groups(cases: Sequence[Scored], least: int, most_values: int, most_keys: int) -> list[Slice]:
    """The slices worth a look that nobody asked for: each value of so many cases, but not all, of the keys with the fewest values."""
    counts: dict[str, Counter[str]] = {}
    for case in cases:
        for key, value in case.metadata.items():
            counts.setdefault(key, Counter())[value] += 1
    kept = {key: [value for value, n in sorted(found.items()) if least <= n < len(cases)] for key, found in counts.items()}
    keys = sorted((len(counts[key]), key) for key, values in kept.items() if values and len(counts[key]) <= most_values)
    return [Slice(key, value) for _, key in keys[:most_keys] for value in kept[key]]


def telling(metric: Metric) -> tuple[str, bool]:
    """The score that tells what became of a case, and whether more of it is better."""
    return metric.reads[-1], metric.higher_is_better or len(metric.reads) > 1  # what is read beside a confidence says what is right


def change(both: Pair, primary: Metric) -> Change:
    """What became of a case, by the score that the primary metric reads. A question without an answer is worse than any answer."""
    ours, theirs = (_worth(case, primary) for case in (both.candidate, both.baseline))
    if ours is not None and theirs is not None and ours != theirs:
        return Change.FIXED if ours > theirs else Change.BROKEN
    return Change.SAME if both.candidate.text == both.baseline.text else Change.CHANGED


def count_changes(pairs: Iterable[Pair], primary: Metric) -> Mapping[str, int]:
    """How many cases became what."""
    found = Counter(change(both, primary) for both in pairs)
    return {str(kind): found[kind] for kind in Change}


def _worth(case: Scored, metric: Metric) -> float | None:
    if case.error:
        return float("-inf")
    name, higher_is_better = telling(metric)
    score = case.score(name)
    return score if score is None or higher_is_better else -score
