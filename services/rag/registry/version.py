"""A version: what was registered under a name, for ever."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from contracts.queries import NamedVersion
from services.rag.registry.entry import Entry

Definition = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Version:
    """Number `number` of an entry; equal definitions have equal hashes, whatever they are called."""

    entry: Entry
    number: int
    sha256: str
    definition: Definition
    message: str
    author: str
    created_at: datetime

    @property
    def identity(self) -> NamedVersion:
        """As answers tell it."""
        return NamedVersion(name=self.entry.name, version=str(self.number))


def sha256_of(definition: Definition) -> str:
    """The hash of a JSON value in its canonical form: keys sorted, no spaces, UTF-8."""
    text = json.dumps(definition, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return sha256(text.encode()).hexdigest()
