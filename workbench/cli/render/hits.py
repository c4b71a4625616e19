"""Hits of a search: the chunks, best first."""

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from workbench.cli.render.answers import latency, one_line, place
from workbench.client import Json

_EXCERPT_CHARS = 240


def hits(reply: Json) -> RenderableType:
    """Rank, score and place of each chunk with the beginning of its text."""
    if not reply["hits"]:
        return Text("Nothing found.", style="yellow")
    grid = Table.grid(padding=(0, 2))
    for rank, hit in enumerate(reply["hits"], start=1):
        grid.add_row(Text(f"{rank:>2}", style="bold cyan"), Text(f"{hit['score']:.3f}", style="dim"), place(hit))
        grid.add_row("", "", Padding(Text(_excerpt(hit["text"])), (0, 0, 1, 0)))
    return Group(grid, Text(latency(reply["timings_ms"]), style="dim"))


def _excerpt(text: str) -> str:
    line = one_line(text)
    return line if len(line) <= _EXCERPT_CHARS else f"{line[:_EXCERPT_CHARS].rsplit(' ', 1)[0]} …"
