"""Index generations as a table."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from workbench.client import Json

_STYLES = {"active": "bold green", "building": "yellow", "retired": "dim", "dropped": "dim"}


def generations(found: Sequence[Json]) -> Table:
    """Each with its recipe, and how many of the documents that can be found it has."""
    table = Table("Generation", "State", "Embedding", "Chunks", "Documents", "Failed", box=None, header_style="bold", padding=(0, 2, 0, 0))
    for one in found:
        state = Text(one["state"] + (" (wanted)" if one["wanted"] else ""), style=_STYLES.get(one["state"], ""))
        table.add_row(
            Text(one["generation"]),
            state,
            Text(_embedding(one)),
            Text(_chunks(one)),
            f"{one['complete']}/{one['documents']}",
            str(one["failed"]),
        )
    return table


def _embedding(one: Json) -> str:
    recipe = one["embedding"] or {}
    return one["embedding_model"] or recipe.get("model") or recipe.get("provider") or "as the settings say"


def _chunks(one: Json) -> str:
    recipe = one["chunker"]
    if recipe is None:
        return "as the settings say"
    parts = [recipe["strategy"], f"{recipe['max_tokens']} tokens" if recipe["max_tokens"] else "", "headings" if recipe["headings"] else ""]
    return ", ".join([*filter(None, parts), *([f"overlap {recipe['overlap']}"] if recipe["overlap"] else [])])
