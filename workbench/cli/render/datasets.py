"""Datasets: their list, one of them, and what became of one that was prepared."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from workbench.client import Json
from workbench.datasets import Prepared

_SHORT = 12


def datasets(found: Sequence[Json]) -> Table:
    """All datasets."""
    table = _table("Dataset", "Cases", "Unanswerable", "Fingerprint", "Uploaded", "")
    table.columns[1].justify = table.columns[2].justify = "right"
    for one in found:
        table.add_row(Text(one["name"]), *_counts(one), Text(one["description"], style="dim"))
    return table


def dataset(found: Json) -> RenderableType:
    """One, with its slices, what its name stood for before, and whether the documents that its cases rest on can be found."""
    slices = _table("Slice", "Cases")
    slices.columns[1].justify = "right"
    for name, values in found["slices"].items():
        for value, count in sorted(values.items()):
            slices.add_row(Text(f"{name}={value}"), str(count))
    uploads = _table("Cases", "Unanswerable", "Fingerprint", "Uploaded")
    for one in found["uploads"]:
        uploads.add_row(*_counts(one))
    heading = Text.assemble((found["name"], "bold"), f"  {found['description']}\n{found['fingerprint']}\n")
    return Group(heading, _documents(found.get("documents")), Text(), uploads, Text(), *([slices] if found["slices"] else []))


def _documents(told: Json | None) -> Text:
    if told is None:
        return Text("Nobody knows which documents its cases rest on: its stored cases cannot be read. Prepare it again.", style="yellow")
    if not told["missing"]:
        return Text(f"{told['gold']} gold documents, all searchable" if told["gold"] else "No gold documents: answers may stand anywhere")
    counts = f"{told['missing']} of {told['gold']} gold documents cannot be searched"
    remedy = "prepare it again before it is evaluated: `workbench datasets prepare`"
    return Text(f"{counts}, such as {', '.join(told['examples'])}; {remedy}", style="red")


def prepared(done: Prepared) -> RenderableType:
    """What can be evaluated on now, and what to know about it."""
    counts = f"{done.cases} cases, {done.unanswerable} of them unanswerable, {done.documents} documents"
    told = Text.assemble((done.name, "bold green"), f"  {counts}\n{done.fingerprint}")
    return Group(told, *(Text(remark, style="yellow") for remark in _remarks(done)))


def _remarks(done: Prepared) -> list[str]:
    remarks = {
        f"{done.moved} gold spans stand elsewhere in the stored text than the set says, and were moved there.": done.moved,
        f"{done.unplaced} gold quotes are not in the stored text; of them the document alone counts.": done.unplaced,
        f"{done.copies} documents under other ids say the same; an answer that rests on one of them is taken for wrong. Delete them.": (
            done.copies
        ),
    }
    return [remark for remark, count in remarks.items() if count]


def _counts(one: Mapping[str, object]) -> tuple[str, str, str, str]:
    uploaded = f"{datetime.fromisoformat(str(one['uploaded_at'])):%Y-%m-%d %H:%M}"
    return str(one["cases"]), str(one["unanswerable"]), str(one["fingerprint"])[:_SHORT], uploaded


def _table(*columns: str) -> Table:
    return Table(*columns, box=None, header_style="bold", padding=(0, 2, 0, 0))
