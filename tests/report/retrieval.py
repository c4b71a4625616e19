"""Which way of retrieval finds most: `python -m tests.report.retrieval --data FOLDER`; prints tables, and writes them into a document."""

import asyncio
from argparse import Namespace
from collections.abc import Sequence

from tests.bench.report import machine, tell_machine
from tests.bench.workspace import Workspace
from tests.report.document import today, write_markdown
from tests.report.grid import Grid
from tests.report.measure import measure
from tests.report.measured import Measured
from tests.report.session import make_console, parsed, parser, run, workspace
from tests.report.sets import SETS, read_set
from tests.report.tables import differences, quality, show, spans
from workbench.errors import INTERRUPTED

COMMAND = "make retrieval-report DATA=FOLDER"


def main(arguments: Sequence[str]) -> int:
    """The whole report, or of the sets that `--only` names."""
    made = parser("retrieval", __doc__)
    made.add_argument("--only", action="append", choices=list(SETS), metavar="SET", help=f"one of {', '.join(SETS)}; again for more")
    options, console = parsed(made, arguments), make_console()
    facts = machine()
    tell_machine(console, facts)
    with workspace(console) as place:
        measured = asyncio.run(_measure_all(options, place))
    grids = _grids(measured)
    for grid in grids:
        console.print(grid.shown(), "")
    if options.markdown:
        told = today(COMMAND, facts | {"default variant": f"`{measured[0].definition}`"}, options.questions)
        write_markdown(options.markdown, "retrieval", told, grids)
    return 0


async def _measure_all(options: Namespace, place: Workspace) -> list[Measured]:
    return [await measure(read_set(options.data, name).sample(options.questions), place) for name in options.only or SETS]


def _grids(measured: Sequence[Measured]) -> list[Grid]:
    tables = [quality(each) for each in measured]
    return [*tables, *(spans(each) for each in measured if each.data.by_span), differences(measured), show(measured)]


if __name__ == "__main__":
    run(main, INTERRUPTED)
