"""What a story came to: figures, and findings that must be none."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.chaos.harness.redelivery import Redelivery


@dataclass(frozen=True, slots=True)
class Findings:
    """Violations by invariant; a finding says which record, row or document."""

    lost: Sequence[Any] = ()
    doubled: Sequence[Any] = ()
    disordered: Sequence[Any] = ()
    committed_early: Sequence[Any] = ()
    not_dead_lettered: Sequence[Any] = ()
    wrongly_dead_lettered: Sequence[Any] = ()
    mistold: Sequence[Any] = ()
    orphans: Sequence[Any] = ()

    def __bool__(self) -> bool:
        return any(asdict(self).values())

    def __str__(self) -> str:
        found = {name: list(values) for name, values in asdict(self).items() if values}
        return "; ".join(f"{name} ({len(values)}): {values[:5]}" for name, values in found.items()) or "nothing found"


@dataclass(frozen=True, slots=True)
class Report:
    """One story. Times are seconds: `recoveries` from a kill until all that was sent before it is committed, `pauses` around rebalances."""

    service: str
    broker: str
    events: int
    poison: int
    dead_letters: int
    kills: int
    failed_exits: int
    redeliveries: tuple[Redelivery, ...]
    recoveries: tuple[float, ...]
    pauses: tuple[float, ...]
    seconds: float
    samples: int
    findings: Findings = field(default_factory=Findings)

    @property
    def clean(self) -> bool:
        """Whether every invariant holds, bounded redelivery included."""
        return not self.findings and not self.unbounded

    @property
    def unbounded(self) -> list[Redelivery]:
        """Faults that made more records come again than they may."""
        return [one for one in self.redeliveries if not one.bounded]

    @property
    def repeated(self) -> int:
        """How many records came again."""
        return sum(one.seen for one in self.redeliveries)


def percentile(values: Sequence[float], share: float) -> float | None:
    """The nearest rank; None of nothing."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None
