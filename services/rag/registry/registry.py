"""Versions: registered once, listed, compared."""

import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.rag.principal import Principal, Scope
from services.rag.registry.entry import Entry
from services.rag.registry.store import RegistryStore
from services.rag.registry.version import Definition, Version, sha256_of

ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True)
class Registered:
    """A version, and whether it is new."""

    version: Version
    created: bool


@dataclass(frozen=True, slots=True)
class Registry:
    """Definitions are opaque here: whoever registers one has checked it."""

    store: RegistryStore

    async def register(self, who: Principal, entry: Entry, definition: Definition, message: str, author: str) -> Registered:
        """Makes the next version, unless the newest one says the same. Raises Permanent `scope_missing`."""
        who.require(Scope.PROMPTS_WRITE)
        digest = sha256_of(definition)
        async with self.store.deciding(entry) as connection:
            latest = await self.store.latest(entry, connection)
            if latest is not None and latest.sha256 == digest:
                return Registered(latest, created=False)
            number = latest.number + 1 if latest else 1
            new = {"version": number, "sha256": digest, "definition": definition, "message": message, "author": author}
            return Registered(await self.store.put_version(connection, entry, new, who.key_id or ANONYMOUS), created=True)


def unified(old: Version, new: Version, texts: tuple[str, str]) -> str:
    """A unified diff of the texts of two versions, empty if they are the same."""
    before, after = ((text + "\n").splitlines(keepends=True) for text in texts)
    name = old.entry.name
    return "".join(difflib.unified_diff(before, after, f"{name}@{old.number}", f"{name}@{new.number}"))


def by_field(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What was `added`, `removed` and `changed` (`{from, to}`) between two mappings, by field."""
    return {
        "added": {name: new[name] for name in new if name not in old},
        "removed": {name: old[name] for name in old if name not in new},
        "changed": {name: {"from": old[name], "to": new[name]} for name in old if name in new and old[name] != new[name]},
    }


def as_text(definition: Definition) -> str:
    """A definition as indented JSON."""
    return json.dumps(definition, indent=2, sort_keys=True, ensure_ascii=False)
