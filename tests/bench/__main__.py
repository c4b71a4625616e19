"""Measures and reports: `python -m tests.bench [--only NAME] [--json PATH]`. Exits 1 if something could not be measured."""

import asyncio
import json
import signal
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import httpx
from aiokafka.errors import KafkaError
from rich.console import Console

from kit.errors import WorkbenchError
from tests.bench import budget, evaluation, events, gateway, ingest, memory, query, recovery, registry, search, startup, statistics
from tests.bench.report import Figure, MeasurementFailed, machine, stage_table, table, tell_machine, tell_notes
from tests.bench.workspace import Workspace
from workbench.errors import INTERRUPTED

Measure = Callable[[Workspace], Awaitable[list[Figure]]]

MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        "recovery": recovery.measure,
        "events": events.measure,
        "ingest": ingest.measure,
        "search": search.measure,
        "query": query.measure,
        "search-50k": search.measure_many,
        "query-50k": query.measure_many,
        "gateway": gateway.measure,
        "budget": budget.measure,
        "registry": registry.measure,
        "evaluation": evaluation.measure,
        "statistics": statistics.measure,
        "memory": memory.measure,
        "startup": startup.measure,
    }
)
# These take minutes more: measured only where `--only` names them.
LONG = frozenset({"search-50k", "query-50k"})
FAILURES = (MeasurementFailed, WorkbenchError, httpx.HTTPError, KafkaError, OSError, ValueError, KeyError)
WIDTH = 150


def main(arguments: Sequence[str]) -> int:
    """All but `LONG`, or what `--only` names."""
    options = _options(arguments)
    _stop_like_ctrl_c()
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH)
    facts, began = machine(), time.monotonic()
    tell_machine(console, facts)
    figures, failures = asyncio.run(_measure_all(options.only or MEASURES.keys() - LONG, console))
    for shown in (table(figures, failures), stage_table(figures)):
        if shown:
            console.print(shown)
    tell_notes(console, figures)
    console.print(f"\n{time.monotonic() - began:.0f} s in all.")
    if options.json:
        report = {"machine": facts, "figures": [figure.as_json() for figure in figures], "failures": failures}
        options.json.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return 1 if failures else 0


def _options(arguments: Sequence[str]) -> Namespace:
    parser = ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--only",
        action="append",
        choices=list(MEASURES),
        metavar="NAME",
        help=f"one of {', '.join(MEASURES)}; again for more; without it all but {', '.join(sorted(LONG))}",
    )
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the figures there as well")
    return parser.parse_args(arguments)


def _stop_like_ctrl_c() -> None:
    """Whoever stops the bench, the stack is stopped with it; in the background of a script SIGINT would be ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))


async def _measure_all(wanted: Collection[str], console: Console) -> tuple[list[Figure], dict[str, str]]:
    figures: list[Figure] = []
    failures: dict[str, str] = {}
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="workbench-bench-") as folder, console.status("Measuring …") as spinner:

        def tell(step: str) -> None:
            spinner.update(f"{step} …")
            console.print(f"[dim]{time.monotonic() - began:6.1f} s[/]  {step}")

        workspace = Workspace(Path(folder), tell)
        for name in (name for name in MEASURES if name in wanted):
            tell(f"[bold]{name}[/]")
            try:
                figures += await MEASURES[name](workspace)
            except FAILURES as error:
                failures[name] = f"{type(error).__name__}: {error}"
    return figures, failures


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
