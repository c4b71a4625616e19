"""What the registry keeps: entries by kind and name, and how a version of one is referred to."""

import re
from dataclasses import dataclass
from enum import StrEnum

from kit.errors import Permanent

PRODUCTION = "production"
NAME = r"[a-z0-9][a-z0-9._-]{0,99}"
LABEL = r"[a-z][a-z0-9._-]{0,49}"
_REFERENCE = re.compile(rf"(?P<name>{NAME})(?:@(?:(?P<version>[1-9]\d{{0,8}})|(?P<label>{LABEL})))?")


class Kind(StrEnum):
    """What can be registered."""

    PROMPT = "prompt"
    VARIANT = "variant"


@dataclass(frozen=True, slots=True)
class Entry:
    """A name of one kind, of one tenant."""

    kind: Kind
    tenant_id: str
    name: str


@dataclass(frozen=True, slots=True)
class Reference:
    """A version by its number, or whichever a label points to."""

    name: str
    version: int | None = None
    label: str = PRODUCTION

    @classmethod
    def parse(cls, text: str) -> "Reference":
        """Reads `name@3`, `name@staging`, or `name`, which is `name@production`. Raises Permanent `reference_invalid`."""
        found = _REFERENCE.fullmatch(text)
        if found is None:
            raise Permanent("reference_invalid", f"{text!r} is no reference; write name, name@label or name@version")
        return cls(found["name"], int(found["version"]) if found["version"] else None, found["label"] or PRODUCTION)

    def __str__(self) -> str:
        return f"{self.name}@{self.version or self.label}"
