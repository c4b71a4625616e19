"""How a report runs: its options, its console, and an end that stops the stack."""

import signal
import sys
import tempfile
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from tests.bench.workspace import Workspace

WIDTH = 230


def parser(name: str, description: str | None) -> ArgumentParser:
    """The options that all reports have."""
    made = ArgumentParser(prog=f"python -m tests.report.{name}", description=description)
    made.add_argument("--data", type=Path, required=True, metavar="FOLDER", help="where the sets lie, each in a folder of its name")
    made.add_argument("--questions", type=int, metavar="N", help="at most so many of each set, drawn at random; without it all")
    made.add_argument("--markdown", type=Path, metavar="PATH", help="write the tables into this document as well")
    return made


def parsed(made: ArgumentParser, arguments: Sequence[str]) -> Namespace:
    """Ends the process if the data is not there."""
    options = made.parse_args(arguments)
    if not options.data.is_dir():
        made.error(f"{options.data} is no folder; give the one that holds the sets")
    return options


@contextmanager
def workspace(console: Console) -> Iterator[Workspace]:
    """A folder for stacks, and lines of progress."""
    began = time.monotonic()

    def tell(step: str) -> None:
        console.print(f"[dim]{time.monotonic() - began:6.1f} s[/]  {step}")

    with tempfile.TemporaryDirectory(prefix="workbench-report-") as folder:
        yield Workspace(Path(folder), tell)


def make_console() -> Console:
    """As wide as the tables where nobody looks."""
    return Console(highlight=False, markup=True, width=None if sys.stdout.isatty() else WIDTH)


def run(main: Callable[[Sequence[str]], int], interrupted: int) -> None:
    """Runs `main`; whoever stops it, the stack is stopped with it. In the background of a script SIGINT would be ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(interrupted)
