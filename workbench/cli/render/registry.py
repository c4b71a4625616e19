"""Prompts and variants: names, versions, differences, moves of labels."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from workbench.client import Json
from workbench.seed import Seeded

_STYLES = {"+": "green", "-": "red", "@": "cyan"}
_TEMPLATE = "template"


def entries(found: Sequence[Json]) -> Table:
    """All names."""
    table = _table("Name", "Newest", "Labels")
    for entry in found:
        table.add_row(Text(entry["name"]), str(entry["latest"]), Text(_labels(entry["labels"])))
    return table


def entry(found: Json, shown: Json) -> RenderableType:
    """All versions of a name, and what one of them says."""
    table = _table("Version", "Content", "Made", "Author", "Message")
    for version in found["versions"]:
        made = (version["sha256"][:12], _moment(version["created_at"]), version["author"], version["message"])
        table.add_row(str(version["version"]), *map(Text, made))
    labels = Text(_labels(found["labels"]) or "no labels", style="bold")
    heading = Text(f"\n{shown['name']}@{shown['version']}\n", style="bold")
    return Group(table, Text(), labels, heading, *_said(shown["definition"]))


def diff(found: Json) -> RenderableType:
    """Lines that came and went, then fields."""
    lines = [Text(line, style=_STYLES.get(line[:1], "")) for line in found["unified"].splitlines()]
    fields = found["fields"]
    changed = [f"{name}: {_short(change['from'])} -> {_short(change['to'])}" for name, change in fields["changed"].items()]
    gone = [f"{name}: {_short(value)}" for name, value in fields["removed"].items()]
    new = [f"{name}: {_short(value)}" for name, value in fields["added"].items()]
    told = [*_marked("-", gone), *_marked("+", new), *_marked("~", changed)]
    return Group(*lines, Text(), *told) if lines or told else Text("no difference", style="dim")


def history(moves: Sequence[Json]) -> Table:
    """Every move of a label."""
    table = _table("Move", "When", "Who", "From", "To", "Why")
    for move in moves:
        why = move["reason"] + (f" (back to move {move['restores']})" if move["restores"] else "")
        told = (move["actor"], _shares(move["from"] or {}) or "nowhere", _shares(move["to"]), why)
        table.add_row(str(move["number"]), _moment(move["at"]), *map(Text, told))
    return table


def state(name: str, found: Json) -> Text:
    """Where a label points now."""
    return Text(f"{name}@{found['label']} -> {_shares(found['weights'])}", style="bold")


def seeded(done: Iterable[Seeded]) -> Table:
    """What became of each file."""
    table = _table("File", "Version", "", "Labels set")
    for one in done:
        new = Text("new", style="green") if one.created else Text("there already", style="dim")
        table.add_row(Text(one.file), Text(f"{one.kind} {one.name}@{one.version}"), new, Text(", ".join(one.labels)))
    return table


def _said(definition: Json) -> list[Text]:
    """A prompt's messages as text, everything else as JSON."""
    template = definition.get(_TEMPLATE, [])
    turns = [{"role": "", "content": template}] if isinstance(template, str) else template
    rest = {name: value for name, value in definition.items() if name != _TEMPLATE}
    messages = [Text.assemble((f"{turn['role']}\n" if turn["role"] else "", "cyan"), turn["content"], "\n") for turn in turns]
    return [*messages, Text(json.dumps(rest, indent=2, ensure_ascii=False), style="dim")]


def _marked(mark: str, told: Iterable[str]) -> list[Text]:
    return [Text(f"{mark} {line}", style=_STYLES.get(mark, "yellow")) for line in told]


def _labels(labels: Mapping[str, Mapping[str, float]]) -> str:
    return ", ".join(f"{label} -> {_shares(weights)}" for label, weights in labels.items())


def _shares(weights: Mapping[str, float]) -> str:
    """`3`, or `3 90 %, 4 10 %`."""
    if len(weights) == 1:
        return next(iter(weights))
    return ", ".join(f"{version} {share * 100:g} %" for version, share in weights.items())


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:79]}…"


def _moment(moment: str) -> str:
    return f"{datetime.fromisoformat(moment):%Y-%m-%d %H:%M}"


def _table(*columns: str) -> Table:
    return Table(*columns, box=None, header_style="bold", padding=(0, 2, 0, 0))
