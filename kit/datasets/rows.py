"""Rows of local files: JSON and JSON Lines as they are, CSV and Parquet through Hugging Face `datasets`.

Arrow would give all objects of a JSON file one form: missing names become nulls, a mixed list becomes texts, and a broken line has no
number. So JSON is read here. All but a `.json` file, which cannot be cut, is read piece by piece.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from kit.datasets.entry import Row
from kit.errors import Permanent

_WRAPPED = "data"


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of a file, by its suffix. Raises Permanent `dataset_unknown`, `dataset_file_unsupported` or `dataset_line_invalid`."""
    read = _READERS.get(path.suffix.lower())
    if read is None:
        raise Permanent("dataset_file_unsupported", f"{path} is not one of {', '.join(_READERS)}; convert it to one of them")
    if not path.is_file():
        raise Permanent("dataset_unknown", f"there is no file {path}; give a file, a folder with a dataset.yaml, or hf:<name>")
    return read(path)


def _json_lines(path: Path) -> Iterator[Row]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield _object(_parsed(line, f"{path}, line {number}"), f"{path}, line {number}")


def _json(path: Path) -> Iterator[Row]:
    whole = _parsed(path.read_bytes(), str(path))
    rows = whole.get(_WRAPPED) if isinstance(whole, dict) else whole
    if not isinstance(rows, list):
        raise Permanent("dataset_line_invalid", f"{path} is not a list of objects, nor has one under `{_WRAPPED}`; write one object a row")
    for number, row in enumerate(rows, start=1):
        yield _object(row, f"{path}, row {number}")


def _parsed(text: bytes, place: str) -> Any:
    try:
        return json.loads(text.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise Permanent("dataset_line_invalid", f"{place} is not JSON: {error}") from error


def _object(row: Any, place: str) -> Row:
    if not isinstance(row, dict):
        raise Permanent("dataset_line_invalid", f"{place} is not a JSON object; write one with a name for each value")
    return row


def _csv(path: Path) -> Iterator[Row]:
    # The library takes seconds to load, which who reads JSON should not wait for.
    from kit.datasets.huggingface import csv_rows

    return csv_rows(path)


def _parquet(path: Path) -> Iterator[Row]:
    from kit.datasets.huggingface import parquet_rows

    return parquet_rows(path)


_READERS: Mapping[str, Callable[[Path], Iterator[Row]]] = MappingProxyType(
    {".jsonl": _json_lines, ".json": _json, ".csv": _csv, ".parquet": _parquet}
)
