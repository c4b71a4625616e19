"""Usage: what calls to language models cost, as a table."""

from rich.table import Table
from rich.text import Text

from workbench.client import Json

_SUMS = ("Calls", "Failed", "Unknown", "Tokens in", "Tokens out", "Cost")


def usage(reply: Json) -> Table:
    """A row for each group, and one for all. `Unknown` are calls whose end nobody saw: all that they may have cost counts."""
    table = Table(box=None, header_style="bold", footer_style="bold", padding=(0, 2, 0, 0), show_footer=len(reply["rows"]) > 1)
    total = _sums(reply["total"])
    for at, name in enumerate(reply["by"]):
        table.add_column(name.capitalize(), footer="" if at else "all", overflow="fold")
    for name, value in zip(_SUMS, total, strict=True):
        table.add_column(name, footer=value, justify="right", no_wrap=True)
    for row in reply["rows"]:
        table.add_row(*(Text(row["group"][name] or "—") for name in reply["by"]), *_sums(row))
    return table


def _sums(row: Json) -> list[str]:
    cost = f"${row['cost_usd']:.6f}" + (" + ?" if row["unpriced"] else "")
    return [*(f"{row[name]:,}" for name in ("calls", "failed", "unknown", "input_tokens", "output_tokens")), cost]
