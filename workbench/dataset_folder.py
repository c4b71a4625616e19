"""A dataset as its author describes it: a dataset.yaml beside its files, or a file or the hub's name alone."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kit.datasets.entry import Context, Row, document_id_of
from kit.datasets.load import HUB, Source
from kit.datasets.rows import read_rows
from kit.errors import Permanent

FILE = "dataset.yaml"

_NO_NAME = re.compile(r"[^A-Za-z0-9._-]+")
_COLUMNS = {"document_id": "document_id", "title": "title", "text": "text"}


class DatasetFile(BaseModel):
    """What a dataset.yaml says; paths are below its folder, or absolute.

    `cases` is a file, or `hf:name[#config:split]`. `documents` is a folder whose files are uploaded, each under its own name, or a file of
    rows, of which `document_columns` say what is `document_id`, `title` and `text`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")
    description: str = ""
    licence: str = ""
    cases: str
    mapping: str | None = None
    columns: dict[str, str] = Field(default_factory=dict)
    split: str | None = None
    documents: Path | None = None
    document_columns: dict[str, str] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Described:
    """A dataset before it is read. `documents` are a folder or a file of rows; without them there are those that come with the cases."""

    name: str
    source: Source
    description: str = ""
    documents: Path | None = None
    document_columns: Mapping[str, str] = field(default_factory=dict)


def described(reference: str) -> Described:
    """What `reference` stands for: a folder with a dataset.yaml, such a file, a file of rows, or the hub's.

    Raises Permanent `dataset_unknown` or `dataset_folder_invalid`.
    """
    path = Path(reference)
    if reference.startswith(HUB):
        return Described(_name(reference.removeprefix(HUB).rpartition("/")[2]), Source(reference))
    if not path.exists():
        raise Permanent("dataset_unknown", f"there is no {reference}; give a folder with a {FILE}, a file, or hf:<name>[#config:split]")
    if path.is_dir():
        return _of_file(path / FILE)
    return _of_file(path) if path.suffix in (".yaml", ".yml") else Described(_name(path.stem), Source(reference))


def document_rows(path: Path, columns: Mapping[str, str]) -> Iterator[Context]:
    """The documents of a file of rows. Raises Permanent `dataset_columns_wrong`."""
    wanted = {**_COLUMNS, **columns}
    for number, row in enumerate(read_rows(path), start=1):
        missing = [column for target, column in wanted.items() if target != "title" and row.get(column) is None]
        if missing or set(columns) - set(_COLUMNS):
            raise _wrong_columns(path, number, row, wanted)
        yield _context(row, wanted)


def _context(row: Row, wanted: Mapping[str, str]) -> Context:
    document_id = document_id_of(str(row[wanted["document_id"]]))
    return Context(document_id, str(row.get(wanted["title"]) or ""), str(row[wanted["text"]]))


def _wrong_columns(path: Path, number: int, row: Row, wanted: Mapping[str, str]) -> Permanent:
    expected = ", ".join(f"{target}={column}" for target, column in wanted.items())
    told = f"{path}, row {number} has the columns {', '.join(sorted(row))}; expected {expected}: say which is what in document_columns"
    return Permanent("dataset_columns_wrong", told)


def _of_file(path: Path) -> Described:
    try:
        said = DatasetFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except FileNotFoundError as error:
        raise Permanent("dataset_folder_invalid", f"{path.parent} has no {FILE}; write one with name and cases, or give a file") from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValidationError) as error:
        raise Permanent("dataset_folder_invalid", f"{path} does not describe a dataset: {error}") from error
    documents = path.parent / said.documents if said.documents else None
    if documents and not documents.exists():
        raise Permanent("dataset_folder_invalid", f"{path} names documents that are not there: {documents}")
    cases = said.cases if said.cases.startswith(HUB) else str(path.parent / said.cases)
    source = Source(cases, said.mapping, said.columns, said.split)
    return Described(said.name, source, said.description, documents, said.document_columns)


def _name(text: str) -> str:
    return _NO_NAME.sub("-", text).strip("._-")[:100] or "dataset"
