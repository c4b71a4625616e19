"""What several stories came to together."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tests.chaos.harness.report import Findings, Report, percentile


@dataclass(frozen=True, slots=True)
class Summary:
    """The reports of one run."""

    reports: Sequence[Report]

    @property
    def clean(self) -> bool:
        """Whether every invariant held in every story."""
        return all(report.clean for report in self.reports)

    def as_json(self) -> dict[str, Any]:
        """Totals, and every report."""
        return {"clean": self.clean, "totals": dict(self.totals()), "stories": [asdict(report) for report in self.reports]}

    def totals(self) -> Sequence[tuple[str, Any]]:
        """The figures, by name. Of the dead letters: precision is the share that was poison, recall the share of the poison there."""
        recoveries = [seconds for report in self.reports for seconds in report.recoveries]
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
            ("redelivered after their effect", repeated),
            ("redelivery ratio", round(repeated / events, 5)),
            ("recovery p50 s", _rounded(percentile(recoveries, 0.5))),
            ("recovery p95 s", _rounded(percentile(recoveries, 0.95))),
            ("seconds", round(self._sum("seconds"))),
        )

    def table(self) -> str:
        """For a terminal."""
        stories = [f"{report.service} on {report.broker}: {_struck(report)}" for report in self.reports]
        figures = [f"{name:36}{value!s:>10}" for name, value in self.totals()]
        bad = [f"VIOLATED, {report.service}: {_violations(report)}" for report in self.reports if not report.clean]
        return "\n".join([*stories, "", *figures, *bad])

    def _sum(self, name: str) -> float:
        total: float = sum(getattr(report, name) for report in self.reports)
        return total

    def _found(self, invariant: str) -> int:
        return sum(len(getattr(report.findings, invariant)) for report in self.reports)


def _struck(report: Report) -> str:
    counts = {fault: report.faults.count(fault) for fault in dict.fromkeys(report.faults)}
    return ", ".join(fault if count == 1 else f"{count} x {fault}" for fault, count in counts.items())


def _violations(report: Report) -> str:
    again = f"; {report.repeated} events came again, {report.allowed} may" if report.repeated > report.allowed else ""
    return f"{report.findings if report.findings else Findings()}{again}"


def _share(part: float, whole: float) -> float:
    return round(part / whole, 4) if whole else 1.0


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
