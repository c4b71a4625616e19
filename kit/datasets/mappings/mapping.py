"""What a mapping promises, and what mappings share in reading rows."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from pydantic import ValidationError

from kit.datasets.case import Case
from kit.datasets.entry import Entry, Row
from kit.datasets.lines import refused
from kit.errors import Permanent


class Mapping(Protocol):
    """Promise: equal rows give equal entries. `expected` says in words which columns it reads."""

    @property
    def expected(self) -> str:
        """The columns it needs."""
        ...

    def fits(self, columns: frozenset[str], row: Row) -> bool:
        """Whether rows with these columns, of which `row` is one, are of this form."""
        ...

    def read(self, row: Row, number: int) -> Iterator[Entry]:
        """The entries of the row of that number, counted from 1. Raises Permanent with that number."""
        ...


def made_case(number: int, **fields: Any) -> Case:
    """A case of the row of that number. Raises Permanent `dataset_line_invalid` or `dataset_gold_missing`."""
    try:
        return Case(**fields)
    except ValidationError as error:
        raise refused(error, f"row {number}") from error


def texts(value: Any) -> tuple[str, ...]:
    """Texts of a column: a list, a text that is a JSON list, or one text; none of an empty one. Each once, in order."""
    return tuple(dict.fromkeys(str(each) for each in listed(value) if each is not None and str(each).strip()))


def listed(value: Any) -> Sequence[Any]:
    """What a column holds, as a list: a list, a text that is a JSON list, or one value; nothing is an empty list."""
    if value is None:
        return ()
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            found = json.loads(value)
        except ValueError:
            return (value,)
        return found if isinstance(found, list) else (value,)
    return value if isinstance(value, list | tuple) else (value,)


def wrong_row(number: int, what: str) -> Permanent:
    """The error of a row that is not of the form."""
    return Permanent("dataset_line_invalid", f"row {number} {what}")
