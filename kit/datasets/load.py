"""Datasets from files or the hub: rows, by a mapping that is named or recognised, become entries, one after the other."""

from collections.abc import Iterator
from collections.abc import Mapping as ReadOnly
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from types import MappingProxyType

from kit.datasets.entry import Entry, Row
from kit.datasets.lines import once_each
from kit.datasets.mappings.columns import METADATA, TARGETS, Columns
from kit.datasets.mappings.hotpotqa import HotpotQA
from kit.datasets.mappings.mapping import Mapping
from kit.datasets.mappings.native import Native
from kit.datasets.mappings.natural_questions import NaturalQuestions
from kit.datasets.mappings.squad import Squad
from kit.datasets.rows import read_rows
from kit.errors import Permanent

HUB = "hf:"
_PEEKED = 100

# In the order in which they are recognised; `squad` and `columns` read what another one does, and more.
MAPPINGS: ReadOnly[str, Mapping] = MappingProxyType(
    {
        "native": Native(),
        "squad_v2": Squad(unanswerable=True),
        "squad": Squad(unanswerable=False),
        "hotpotqa": HotpotQA(),
        "nq_open": NaturalQuestions(),
        "columns": Columns(),
    }
)


@dataclass(frozen=True, slots=True)
class Source:
    """Where rows are: a file, or `hf:name[#config:split]`; and how to read them, if that is not to be recognised.

    `columns` map rows of no known form (see `Columns`); `split` is the hub's; `limit` takes the first cases alone.
    """

    reference: str
    mapping: str | None = None
    columns: ReadOnly[str, str] = field(default_factory=dict)
    split: str | None = None
    limit: int | None = None


def read_entries(source: Source) -> Iterator[Entry]:
    """The cases with their documents, in the order of the rows, never all of them in memory.

    Raises Permanent: `dataset_unknown`, `dataset_config_unknown`, `dataset_split_unknown`, `dataset_hub_unreachable`,
    `dataset_file_unsupported`, `dataset_mapping_unknown`, `dataset_columns_wrong`, `dataset_line_invalid`, `dataset_gold_missing`,
    `dataset_case_repeated`, `dataset_empty`.
    """
    named = _named(source)
    return once_each(islice(_entries(rows_of(source), named), source.limit), lambda entry: entry.case.id)


def rows_of(source: Source) -> Iterator[Row]:
    """The rows as they are."""
    if not source.reference.startswith(HUB):
        if source.split is not None:
            raise Permanent("dataset_split_unknown", f"{source.reference} is a file, which has no splits; name the file of {source.split}")
        return read_rows(Path(source.reference))
    # The library takes seconds to load.
    from kit.datasets.huggingface import HubName, hub_rows

    hub = HubName.parse(source.reference)
    return hub_rows(HubName(hub.name, hub.config, source.split or hub.split))


def _entries(rows: Iterator[Row], named: Mapping | None) -> Iterator[Entry]:
    first = list(islice(rows, _PEEKED))
    if not first:
        return
    mapping = _fitting(first, named)
    for number, row in enumerate(chain(first, rows), start=1):
        yield from mapping.read(row, number)


def _named(source: Source) -> Mapping | None:
    if source.columns:
        return _columns(source)
    if source.mapping is None:
        return None
    if source.mapping not in MAPPINGS:
        raise Permanent("dataset_mapping_unknown", f"there is no mapping {source.mapping!r}; name one of {', '.join(MAPPINGS)}")
    return MAPPINGS[source.mapping]


def _columns(source: Source) -> Columns:
    if source.mapping not in (None, "columns"):
        raise Permanent(
            "dataset_mapping_unknown", f"the mapping {source.mapping!r} knows its columns; leave the mapping out, or the columns"
        )
    unknown = [target for target in source.columns if target not in TARGETS and not target.startswith(METADATA)]
    if unknown:
        told = f"a case has no {', '.join(unknown)}; what columns can be mapped to is {', '.join(TARGETS)} and {METADATA}<name>"
        raise Permanent("dataset_columns_wrong", told)
    return Columns(source.columns)


def _fitting(first: list[Row], named: Mapping | None) -> Mapping:
    """The mapping for rows that begin with these. Raises Permanent `dataset_columns_wrong`."""
    columns = frozenset(name for row in first for name in row)
    for mapping in [named] if named else MAPPINGS.values():
        if mapping.fits(columns, {**dict.fromkeys(columns), **first[0]}):
            return mapping
    there = f"the columns are {', '.join(sorted(columns))}"
    if named:
        raise Permanent("dataset_columns_wrong", f"{there}; expected {named.expected}")
    told = f"{there}, as of none of {', '.join(MAPPINGS)}; say which is what: question=<column>,answers=<column>"
    raise Permanent("dataset_columns_wrong", told)
