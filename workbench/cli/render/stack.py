"""A stack: where it answers and how its parts are."""

import re
from collections.abc import Mapping

from rich.table import Table
from rich.text import Text


def addresses(places: Mapping[str, str], health: Mapping[str, str] | None = None) -> Table:
    """The address of each part, and, where it was asked for, what the part said: `ok`, or what is wrong. Passwords are masked."""
    table = Table("Part", "Address", *(["Health"] if health is not None else []), box=None, header_style="bold", padding=(0, 3, 0, 0))
    for part in dict.fromkeys((*places, *(health or {}))):
        row = [Text(part, style="cyan"), Text(masked(places.get(part, "")))]
        table.add_row(*row, *([_health(health.get(part, ""))] if health is not None else []))
    return table


def masked(address: str) -> str:
    """An address without its password."""
    return re.sub(r"(?<=:)[^:/@]+(?=@)", "•••", address)


def _health(said: str) -> Text:
    return Text(said, style="green" if said == "ok" else "bold red")
