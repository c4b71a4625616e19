"""The file of recorded completions: JSON Lines, appended to only, so that several processes may record into one."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import structlog
from pydantic import TypeAdapter, ValidationError

from kit.errors import Permanent
from kit.ports.llm import Completion, CompletionRequest

log = structlog.get_logger(__name__)

_CALLER = "caller"
_FIRST_WORDS = 80


@dataclass(frozen=True, slots=True)
class Entry:
    """A completion and the pieces it came in, under the key of its request; `asked` is how the last message begins, for a reader."""

    key: str
    asked: str
    pieces: tuple[str, ...]
    completion: Completion


_ENTRY = TypeAdapter(Entry)


class Cassette:
    """The file at `path`. Of two entries with one key the later counts."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def prepare(self) -> None:
        """Makes the file ready to be appended to: a line that a crash cut off is ended. Raises Permanent `cassette_unwritable`."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab+") as file:
                file.seek(max(file.tell() - 1, 0))
                if file.read() not in (b"", b"\n"):
                    file.write(b"\n")
        except OSError as error:
            raise self._unwritable(error) from error

    def append(self, entry: Entry) -> None:
        """Adds an entry in one write, which no other writer's gets into. Raises Permanent `cassette_unwritable`."""
        line = _ENTRY.dump_json(entry) + b"\n"
        try:
            with self.path.open("ab", buffering=0) as file:
                written = file.write(line)
        except OSError as error:
            raise self._unwritable(error) from error
        if written != len(line):
            raise self._unwritable("only a part of the line was written")

    def read(self) -> dict[str, Entry]:
        """All entries by key, without lines that a crash cut off. Raises Permanent `cassette_missing`."""
        try:
            lines = self.path.read_bytes().split(b"\n")
        except OSError as error:
            told = f"the cassette {self.path} cannot be read: {error.strerror}; set its path, or record it first"
            raise Permanent("cassette_missing", told) from error
        entries = (self._entry(line, number) for number, line in enumerate(lines, 1) if line)
        return {entry.key: entry for entry in entries if entry}

    def _entry(self, line: bytes, number: int) -> Entry | None:
        try:
            return _ENTRY.validate_json(line)
        except ValidationError:
            log.warning("cassette.line_unreadable", path=str(self.path), line=number)
            return None

    def _unwritable(self, reason: object) -> Permanent:
        return Permanent("cassette_unwritable", f"the cassette {self.path} cannot be written: {reason}; free space, or set another path")


def request_key(request: CompletionRequest) -> str:
    """SHA-256 of the request as canonical JSON: equal questions have equal keys, whoever asks.

    Fields with their default value are left out, so that a new field leaves the keys of old recordings alone.
    """
    asked = {name: value for name, value in _said(request).items() if name != _CALLER}
    canonical = json.dumps(asked, sort_keys=True, separators=(",", ":"), default=_plain)
    return hashlib.sha256(canonical.encode()).hexdigest()


def first_words(request: CompletionRequest) -> str:
    """How the last message begins."""
    return request.messages[-1].content[:_FIRST_WORDS] if request.messages else ""


def _said(value: Any) -> dict[str, Any]:
    """The fields of a dataclass, without those that have their default value."""
    return {field.name: getattr(value, field.name) for field in fields(value) if getattr(value, field.name) != field.default}


def _plain(value: Any) -> dict[str, Any]:
    if is_dataclass(value) and not isinstance(value, type):
        return _said(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
