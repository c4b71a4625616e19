"""Documents: their table, and what became of uploaded files."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from workbench.client import Json
from workbench.uploads import Outcome

_STYLES = {"indexed": "green", "failed": "bold red", "deleted": "dim"}


def status(name: str) -> Text:
    """A document's status in its colour."""
    return Text(name, style=_STYLES.get(name, "yellow"))


def documents(found: Sequence[Json]) -> Table:
    """All documents, with the reason of each that failed."""
    table = Table("Title", "Document", "Version", "Status", "Chunks", "Error", box=None, header_style="bold", padding=(0, 2, 0, 0))
    table.columns[2].justify = table.columns[4].justify = "right"
    table.columns[1].no_wrap = True
    for item in found:
        error = item["error"]["message"] if item.get("error") else ""
        table.add_row(
            Text(item["title"]), Text(item["document_id"]), str(item["version"]), status(item["status"]), _chunks(item), Text(error)
        )
    return table


def outcomes(uploaded: Sequence[Outcome], skipped: Sequence[Path]) -> Table:
    """What became of each file."""
    table = Table("File", "Status", "Chunks", "", box=None, header_style="bold", padding=(0, 2, 0, 0))
    table.columns[2].justify = "right"
    for item in uploaded:
        remark = item.error or ("the same content is there already" if item.duplicate else "")
        table.add_row(
            Text(_near(Path(item.path))), status(item.status), _number(item.chunks), Text(remark, style="red" if item.error else "dim")
        )
    for path in skipped:
        table.add_row(Text(_near(path), style="dim"), Text("skipped", style="dim"), "", Text("not a supported type", style="dim"))
    return table


def tally(uploaded: Sequence[Outcome]) -> str:
    """How many files ended how: `12 indexed, 1 failed`."""
    return ", ".join(f"{count} {name}" for name, count in Counter(item.status for item in uploaded).most_common()) or "nothing uploaded"


def _near(path: Path) -> str:
    """A path as somebody in the current folder would type it."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _chunks(item: Json) -> str:
    chunks = item["chunks"]
    if not chunks["total"]:
        return ""
    return str(chunks["total"]) if chunks["indexed"] == chunks["total"] else f"{chunks['indexed']}/{chunks['total']}"


def _number(value: int | None) -> str:
    return "" if value is None else str(value)
