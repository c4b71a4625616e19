"""What several stories came to together."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tests.chaos.harness.machine import Machine
from tests.chaos.harness.redelivery import Redelivery
from tests.chaos.harness.report import Findings, Report, percentile


@dataclass(frozen=True, slots=True)
class Summary:
    """The reports of one run, and what the state machine came to if it was asked."""

    reports: Sequence[Report]
    machine: Machine | None = None

    @property
    def clean(self) -> bool:
        """Whether every invariant held in every story."""
        return all(report.clean for report in self.reports) and (self.machine is None or self.machine.held)

    def as_json(self) -> dict[str, Any]:
        """Totals, every report, and the state machine."""
        stories = [asdict(report) for report in self.reports]
        machine = asdict(self.machine) if self.machine else None
        return {"clean": self.clean, "totals": dict(self.totals()), "stories": stories, "state_machine": machine}

    def totals(self) -> Sequence[tuple[str, Any]]:
        """The figures, by name. Of the dead letters: precision is the share that was poison, recall the share of the poison there."""
        recoveries = [seconds for report in self.reports for seconds in report.recoveries]
        pauses = [seconds for report in self.reports for seconds in report.pauses]
        events, repeated = self._sum("events"), self._sum("repeated")
        dead = sum(report.dead_letters for report in self.reports)
        return (
            ("events acknowledged", events),
            ("of them poison", self._sum("poison")),
            ("kills", self._sum("kills")),
            ("lost", self._found("lost")),
            ("double effects", self._found("doubled")),
            ("order violations", self._found("disordered")),
            ("offsets committed early", self._found("committed_early")),
            ("outbox events missing or unfounded", self._found("mistold")),
            ("documents with wrong points", self._found("orphans")),
            ("dead letter precision", _share(dead - self._found("wrongly_dead_lettered"), dead)),
            ("dead letter recall", _share(self._sum("poison") - self._found("not_dead_lettered"), self._sum("poison"))),
            ("redelivered after they were done", repeated),
            ("faults with more redeliveries than may", sum(len(report.unbounded) for report in self.reports)),
            ("redelivery ratio", round(repeated / events, 5) if events else 0.0),
            ("recovery from kill p50 s", _rounded(percentile(recoveries, 0.5))),
            ("recovery from kill p95 s", _rounded(percentile(recoveries, 0.95))),
            ("rebalances measured", len(pauses)),
            ("rebalance pause p50 s", _rounded(percentile(pauses, 0.5))),
            ("rebalance pause p95 s", _rounded(percentile(pauses, 0.95))),
            ("seconds", round(self._sum("seconds"))),
            ("state machine stories", self.machine.examples if self.machine else 0),
            ("state machine held", self.machine.held if self.machine else None),
        )

    def table(self) -> str:
        """For a terminal."""
        stories = [line for report in self.reports for line in (f"{report.service} on {report.broker}", *_struck(report))]
        figures = [f"{name:40}{value!s:>10}" for name, value in self.totals()]
        bad = [f"VIOLATED, {report.service}: {_violations(report)}" for report in self.reports if not report.clean]
        bad += [f"VIOLATED, state machine:\n{self.machine.said}"] if self.machine and not self.machine.held else []
        return "\n".join([*stories, "", *figures, *bad])

    def _sum(self, name: str) -> float:
        total: float = sum(getattr(report, name) for report in self.reports)
        return total

    def _found(self, invariant: str) -> int:
        return sum(len(getattr(report.findings, invariant)) for report in self.reports)


def _struck(report: Report) -> list[str]:
    """For each kind of fault: how often it struck, and what came again through it at most, of so many that might."""
    kinds: dict[str, list[Redelivery]] = {}
    for one in report.redeliveries:
        kinds.setdefault(one.fault, []).append(one)
    return [f"    {len(some):3} x {fault:32} {_worst(some)}" for fault, some in kinds.items()]


def _worst(some: Sequence[Redelivery]) -> str:
    worst = max(some, key=lambda one: (one.seen - one.allowed, one.seen))
    return f"came again: {sum(one.seen for one in some)}; nearest to its bound: {worst.seen} of {worst.allowed}"


def _violations(report: Report) -> str:
    again = "".join(f"; {one.fault}: {one.seen} came again, {one.allowed} may" for one in report.unbounded)
    return f"{report.findings if report.findings else Findings()}{again}"


def _share(part: float, whole: float) -> float:
    return round(part / whole, 4) if whole else 1.0


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
