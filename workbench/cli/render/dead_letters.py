"""Dead letters as a person reads them. Their bytes are a stranger's: nothing of them reaches the terminal unescaped."""

import json
from collections.abc import Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from workbench.client import Json
from workbench.dead_letters import DeadLetter, Tally

SHOWN = 50
_SOURCE = ("x-source-topic", "x-source-partition", "x-source-offset")


def tallies(items: Sequence[Tally]) -> RenderableType:
    """The counts by topic, group and code."""
    if not items:
        return Text("No dead letters.", style="green")
    table = _table("Topic", "Group", "Code", "Open", "Replayed", "Dropped", "Oldest", "Newest")
    for item in items:
        counts = (Text(str(item.open), style="bold red" if item.open else "green"), str(item.replayed), str(item.dropped))
        table.add_row(item.topic, item.group, printable(item.code), *counts, _time(item.oldest), _time(item.newest))
    return table


def letters(items: Sequence[DeadLetter]) -> RenderableType:
    """One dead letter a line, the open ones first; no more than a screen or two."""
    table = _table("Record", "Failed", "Code", "Reason", "")
    ordered = sorted(items, key=lambda letter: letter.settlement is not None)
    for letter in ordered[:SHOWN]:
        settled = letter.settlement.how if letter.settlement else ""
        reason = printable(letter.why.get("x-error-message", ""))
        table.add_row(str(letter.place), _time(letter.time), printable(letter.code), reason, Text(settled, style="dim"))
    more = len(ordered) - SHOWN
    return Group(table, *([Text(f"… and {more} more; --json lists all.", style="dim")] if more > 0 else []))


def letter(item: DeadLetter, key: Json | None, value: Json | None) -> RenderableType:
    """Why it failed, where it came from, what became of it, and what it is."""
    source = "{} {}/{}".format(*(item.why.get(name, "?") for name in _SOURCE))
    facts, headers = Table.grid(padding=(0, 2)), Table.grid(padding=(0, 2))
    for name, told in (
        ("code", f"{item.code} ({item.why.get('x-error-kind', 'not put there by a delivery')})"),
        ("reason", item.why.get("x-error-message", "")),
        ("failed", f"{_time(item.time)} after {item.why.get('x-attempts', '?')} tries"),
        ("first sent", source),
        ("now", str(item.settlement or "open")),
        ("key", content(key)),
    ):
        facts.add_row(Text(name, style="dim"), printable(told))
    for header, data in item.headers:
        headers.add_row(printable(header), printable(content(described(data))))
    title = Text(f"{item.route.dead_letters} {item.place}", style="bold")
    return Group(title, facts, _part("headers"), headers, _part("value"), Padding(printable(content(value)), (0, 0, 0, 2)))


def described(data: bytes | None) -> Json | None:
    """Bytes as JSON can carry them: `{"json": …}`, else `{"text": …}`, else `{"hex": …}`; None for none."""
    if data is None:
        return None
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return {"hex": data.hex(" ", 4)}
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {"text": text}
    return {"json": value} if isinstance(value, dict | list) else {"text": text}


def content(data: Json | None) -> str:
    """What `described` gave, as text."""
    if data is None:
        return "(null)"
    [(kind, value)] = data.items()
    return json.dumps(value, indent=2, ensure_ascii=False) if kind == "json" else f"0x {value}" if kind == "hex" else str(value)


def printable(text: str) -> Text:
    """`text` without what would move a terminal's cursor or colour it."""
    return Text("".join(char if char.isprintable() or char == "\n" else char.encode("unicode_escape").decode() for char in text))


def _part(name: str) -> Text:
    return Text(f"\n{name}", style="bold")


def _time(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S}Z"


def _table(*names: str) -> Table:
    table = Table(*names, box=None, header_style="bold", padding=(0, 2, 0, 0))
    for column in table.columns:
        column.overflow = "fold"
        column.justify = "right" if column.header in ("Open", "Replayed", "Dropped") else "left"
    return table
