"""Says whether today's events are compatible with every released one: `python -m workbench.compat`; a table and exit status 1 if not.

With W the closed schema of a writer and R the open one of a reader, within a major version and against every release there was:

    backward   W(old) is included in R(new)   today's readers understand yesterday's records
    forward    W(new) is included in R(old)   yesterday's readers understand today's records
    additive   W(old) is included in W(new)   today's writers can still say all that was said: no field is gone
"""

import sys
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from contracts.schema import file_stem, writers_schema
from contracts.topics import EVENT_TYPES
from workbench.inclusion import Schema, Undecided, constraints, faults, opened
from workbench.release import CONTRACTS, Schemas, releases, schemas_of

_ADVICE = (
    "An event only grows: give a new field a default, and leave the old ones as they are. Any other change is a new major version of the "
    "event on the same topic, with an upcaster: see CONTRIBUTING.md."
)


@dataclass(frozen=True, slots=True)
class Break:
    """One promise of a release that today's schema does not keep."""

    event: str
    release: str
    rule: str
    why: str


def current_schemas() -> Schemas:
    """The writer's schema of every event in the working tree."""
    return {file_stem(event): writers_schema(event) for event in EVENT_TYPES.values()}


def breaks(release: str, released: Schemas, current: Schemas) -> list[Break]:
    """Every promise of one release that `current` breaks; schemas by event, a new major version is another event."""
    return [
        Break(event, release, rule, why)
        for event, old in released.items()
        for rule, why in (_judged(old, current[event]) if event in current else [("backward", "the event is gone")])
    ]


def main(folder: Path = CONTRACTS) -> int:
    """Judges the working tree against the releases of the contracts in `folder`, prints the verdict and gives the exit status."""
    current, released = current_schemas(), releases(folder)
    found = [broken for release in released for broken in breaks(release.name, schemas_of(release), current)]
    console = Console(highlight=False, markup=False)
    if not found:
        names = ", ".join(release.name for release in released) or "none yet"
        console.print(f"{len(current)} events are compatible with every release: {names}.")
        return 0
    console.print(_table(found))
    console.print(_ADVICE)
    return 1


def _judged(old: Schema, new: Schema) -> list[tuple[str, str]]:
    try:
        return list(_broken_rules(constraints(old), constraints(new)))
    except Undecided as reason:
        return [("undecided", str(reason))]


def _broken_rules(old: Schema, new: Schema) -> Iterator[tuple[str, str]]:
    backward = list(faults(old, opened(new)))
    yield from (("backward", why) for why in backward)
    yield from (("forward", why) for why in faults(new, opened(old)))
    # What breaks backward is not additive either: it is told once.
    yield from (("additive", why) for why in faults(old, new) if why not in backward)


def _table(found: list[Break]) -> Table:
    table = Table("event", "release", "rule", "why", title="Incompatible with what was released", title_justify="left")
    for broken in found:
        table.add_row(*astuple(broken))
    return table


if __name__ == "__main__":
    sys.exit(main())
