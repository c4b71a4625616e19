"""Cases as JSON Lines, the form in which datasets are kept: one case a line, read and written without the whole in memory."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from pydantic import ValidationError

from kit.datasets.case import GOLD_MISSING, Case
from kit.errors import Permanent

T = TypeVar("T")

BOM = b"\xef\xbb\xbf"


def read_cases(lines: Iterable[bytes]) -> Iterator[Case]:
    """Each line's case; blank lines are passed over.

    Raises Permanent with the line's number: `dataset_line_invalid`, or `dataset_gold_missing` for an answerable question without a gold
    answer or document.
    """
    for number, line in enumerate(lines, start=1):
        text = line.removeprefix(BOM) if number == 1 else line
        if text.strip():
            yield read_case(text, f"line {number}")


def read_case(line: bytes, place: str) -> Case:
    """The case that a JSON text says; `place` is what an error calls it. Raises Permanent as `read_cases`."""
    try:
        return Case.model_validate_json(line)
    except ValidationError as error:
        raise refused(error, place) from error


def refused(error: ValidationError, place: str) -> Permanent:
    """A case that is none, as an error that says where and what to do."""
    faults = error.errors(include_url=False, include_input=False)
    if any(fault["type"] == GOLD_MISSING for fault in faults):
        told = f"{place}: {faults[0]['msg']}; give `answers` or `gold`, or say `answerable: false`"
        return Permanent("dataset_gold_missing", told)
    told = "; ".join(f"{'.'.join(map(str, fault['loc'])) or 'the line'}: {fault['msg']}" for fault in faults[:3])
    return Permanent("dataset_line_invalid", f"{place} is not a case: {told}")


def written(case: Case) -> bytes:
    """The case as one line, without what is left at its default."""
    return case.model_dump_json(exclude_defaults=True).encode() + b"\n"


def once_each(items: Iterable[T], id_of: Callable[[T], str]) -> Iterator[T]:
    """The same items. Raises Permanent `dataset_case_repeated` where an id comes again, and `dataset_empty` at the end of none."""
    seen: set[str] = set()
    for number, item in enumerate(items, start=1):
        if id_of(item) in seen:
            told = f"case {number} has the id {id_of(item)!r}, as an earlier one has; give each case an id of its own"
            raise Permanent("dataset_case_repeated", told)
        seen.add(id_of(item))
        yield item
    if not seen:
        raise Permanent("dataset_empty", "there are no cases; check the file, or name another split")
