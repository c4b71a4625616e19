"""API keys as a table."""

from collections.abc import Sequence
from datetime import datetime

from rich.table import Table
from rich.text import Text

from workbench.client import Json


def keys(found: Sequence[Json]) -> Table:
    """Each with what it may do, and until when."""
    table = Table("Id", "Name", "Tenant", "Scopes", "Holds until", "Last used", box=None, header_style="bold", padding=(0, 2, 0, 0))
    table.columns[0].no_wrap = True
    for key in found:
        used = _day(key["last_used_at"])
        table.add_row(key["key_id"], Text(key["name"]), key["tenant_id"], "\n".join(key["scopes"]), _end(key), used)
    return table


def _end(key: Json) -> Text:
    if key["revoked_at"]:
        return Text("revoked", style="dim")
    return Text(_day(key["expires_at"]) or "it is revoked")


def _day(moment: str | None) -> str:
    return f"{datetime.fromisoformat(moment):%Y-%m-%d}" if moment else ""
