"""Topics and lags as a person reads them."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from workbench.topics import Held, Lag


def held(items: Sequence[Held]) -> RenderableType:
    """The topics, one a line."""
    table = _table("Topic", "Partitions", "Records", "Kept", "Written by", "Read by")
    for item in items:
        topic = item.topic
        writers = f"{topic.owner}, anyone" if topic.open_to_all else topic.owner
        kept = f"{topic.retention.days} days"
        table.add_row(topic.name, _partitions(item), str(item.records), kept, writers, ", ".join(topic.readers) or "—")
    return table


def described(item: Held, behind: Sequence[Lag]) -> RenderableType:
    """One topic, then a line for each partition of each reader."""
    topic = item.topic
    facts = Table.grid(padding=(0, 2))
    for name, value in (
        ("events", ", ".join(event.TYPE for event in topic.events)),
        ("key", topic.key),
        ("partitions", _partitions(item)),
        ("records", str(item.records)),
        ("kept", f"{topic.retention.days} days"),
        ("written by", f"{topic.owner}, anyone" if topic.open_to_all else topic.owner),
    ):
        facts.add_row(Text(name, style="dim"), value)
    positions = _table("Read by", "Partition", "First", "End", "Committed", "Lag")
    for reader in behind:
        for at in reader.positions:
            committed = "—" if at.committed is None else str(at.committed)
            positions.add_row(reader.group, str(at.partition), str(at.extent.first), str(at.extent.end), committed, str(at.lag))
    return Group(Text(topic.name, style="bold"), facts, Text(), *([positions] if positions.row_count else [Text("Nobody reads it.")]))


def lags(items: Sequence[Lag]) -> RenderableType:
    """How far each group is behind, one topic a line."""
    table = _table("Group", "Topic", "Lag", "Waiting to be retried")
    for item in items:
        table.add_row(item.group, item.topic, str(item.lag), str(item.waiting))
    return table


def _partitions(item: Held) -> str:
    wanted = item.topic.partitions
    return str(wanted) if item.partitions == wanted else f"{item.partitions}, not {wanted}"


def _table(*names: str) -> Table:
    numbers = {"Records", "Lag", "Waiting to be retried", "Partition", "First", "End", "Committed"}
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for name in names:
        table.add_column(name, justify="right" if name in numbers else "left", overflow="fold")
    return table
