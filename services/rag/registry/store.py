"""The registry's tables."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any

import asyncpg

from kit.errors import Permanent
from kit.postgres import load_queries
from services.rag.registry.entry import Entry, Kind, Reference
from services.rag.registry.move import Move, Weights
from services.rag.registry.version import Version


@dataclass(frozen=True, slots=True)
class NewMove:
    """A move that is about to be written."""

    before: Weights | None
    after: Weights
    reason: str
    actor: str
    restores: int | None = None
    receipt: dict[str, Any] | None = None


class RegistryStore:
    """Versions and moves; methods that take a connection belong in a `deciding` block."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._queries = load_queries("rag")

    @asynccontextmanager
    async def deciding(self, entry: Entry) -> AsyncIterator[asyncpg.Connection]:
        """A transaction in which nobody else changes that entry."""
        async with self._pool.acquire() as connection, connection.transaction():
            await self._lock(entry, connection)
            yield connection

    async def names(self, kind: Kind, tenant_id: str) -> dict[str, int]:
        """Every name with its newest version."""
        rows = self._queries.registry_names(self._pool, tenant_id=tenant_id, kind=kind)
        return {row["name"]: row["latest"] async for row in rows}

    async def labels(self, kind: Kind, tenant_id: str, name: str | None = None) -> dict[str, dict[str, Weights]]:
        """Where the labels point, by name and label."""
        found: dict[str, dict[str, Weights]] = {}
        async for row in self._queries.registry_labels(self._pool, tenant_id=tenant_id, kind=kind, name=name):
            found.setdefault(row["name"], {})[row["label"]] = Weights.from_json(row["weights"])
        return found

    async def versions(self, entry: Entry) -> list[Version]:
        """All versions, newest first. Raises Permanent `name_unknown`."""
        found = [_version(entry, row) async for row in self._queries.registry_versions(self._pool, **asdict(entry))]
        if not found:
            raise _unknown(entry)
        return found

    async def version(self, entry: Entry, number: int, connection: asyncpg.Connection | None = None) -> Version:
        """One version. Raises Permanent `version_unknown`."""
        row = await self._queries.registry_version(connection or self._pool, **asdict(entry), version=number)
        if row is None:
            raise Permanent("version_unknown", f"there is no version {number} of {entry.kind} {entry.name!r}; list them")
        return _version(entry, row)

    async def latest(self, entry: Entry, connection: asyncpg.Connection) -> Version | None:
        """The newest version, if there is any."""
        row = await self._queries.registry_version(connection, **asdict(entry), version=None)
        return _version(entry, row) if row else None

    async def put_version(self, connection: asyncpg.Connection, entry: Entry, version: dict[str, Any], actor: str) -> Version:
        """Writes a version of `{version, sha256, definition, message, author}`, and tells the audit trail whose key it was."""
        put = _version(entry, await self._queries.put_registry_version(connection, **asdict(entry), **version))
        detail = {"version": put.number, "sha256": put.sha256, "author": put.author}
        await self._note(connection, entry, actor, "registered", (entry.name, detail))
        return put

    async def standing(self, entry: Entry, reference: Reference, connection: asyncpg.Connection) -> list[Version]:
        """What a reference to that entry stands for, and will until the transaction ends. Raises Permanent `version_unknown` or
        `label_unknown`.
        """
        await self._lock(entry, connection)
        numbers = (await self.weights(entry, reference.label, connection)).live if reference.version is None else (reference.version,)
        return [await self.version(entry, number, connection) for number in numbers]

    async def weights(self, entry: Entry, label: str, connection: asyncpg.Connection | None = None) -> Weights:
        """Where a label points. Raises Permanent `label_unknown`."""
        row = await self._queries.registry_label(connection or self._pool, **asdict(entry), label=label)
        if row is None:
            raise label_unknown(entry, label)
        return Weights.from_json(row["weights"])

    async def history(self, entry: Entry, label: str, connection: asyncpg.Connection | None = None) -> list[Move]:
        """All moves of a label, oldest first."""
        rows = self._queries.registry_moves(connection or self._pool, **asdict(entry), label=label)
        return [_move(row) async for row in rows]

    async def put_move(self, connection: asyncpg.Connection, entry: Entry, label: str, number: int, move: NewMove) -> Move:
        """Writes a move, and tells the audit trail."""
        before = move.before.as_json() if move.before else None
        written = {"restores": move.restores, "reason": move.reason, "actor": move.actor, "receipt": move.receipt}
        row = await self._queries.put_registry_move(
            connection, **asdict(entry), label=label, number=number, before=before, weights=move.after.as_json(), **written
        )
        detail = {"number": number, "from": before, "to": move.after.as_json(), "reason": move.reason}
        await self._note(connection, entry, move.actor, "label_moved", (f"{entry.name}@{label}", detail))
        return _move(row)

    async def _lock(self, entry: Entry, connection: asyncpg.Connection) -> None:
        await self._queries.lock_content(connection, what=f"registry/{entry.tenant_id}/{entry.kind}/{entry.name}")

    async def _note(self, connection: asyncpg.Connection, entry: Entry, actor: str, what: str, of: tuple[str, dict[str, Any]]) -> None:
        subject, detail = of
        await self._queries.put_audit(
            connection, tenant_id=entry.tenant_id, actor=actor, action=f"{entry.kind}.{what}", subject=subject, detail=detail
        )


def label_unknown(entry: Entry, label: str) -> Permanent:
    """There is no such label on that entry, or no such entry."""
    return Permanent("label_unknown", f"{entry.kind} {entry.name!r} has no label {label!r}; list it, or move the label to a version")


def _unknown(entry: Entry) -> Permanent:
    return Permanent("name_unknown", f"there is no {entry.kind} {entry.name!r}; list them")


def _version(entry: Entry, row: asyncpg.Record) -> Version:
    told = {name: row[name] for name in ("sha256", "definition", "message", "author", "created_at")}
    return Version(entry, row["version"], **told)


def _move(row: asyncpg.Record) -> Move:
    before = Weights.from_json(row["before"]) if row["before"] else None
    told = {name: row[name] for name in ("restores", "reason", "actor", "receipt", "at")}
    return Move(row["number"], before, Weights.from_json(row["weights"]), **told)
