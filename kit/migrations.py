"""Numbered SQL files, applied once each and in order, by whoever starts first."""

from collections.abc import Iterator
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable

import asyncpg
import structlog

from kit.errors import Permanent

log = structlog.get_logger(__name__)

_LOCK = 0x6D696772
_LEDGER = """
CREATE TABLE IF NOT EXISTS migrations (
    name text PRIMARY KEY, sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now()
)
"""


class MigrationChanged(Permanent):
    """A migration that was applied has other text now; migrations are never edited, write a new one."""

    def __init__(self, name: str) -> None:
        super().__init__(
            "migration_changed",
            f"{name} was applied to this database with other text: restore it and put the change into a new file, "
            "or, if the data may go, start with an empty database (the embedded stack: `up --fresh`)",
        )


async def migrate(pool: asyncpg.Pool, service: str, folder: Traversable | None = None) -> list[str]:
    """Applies what is new of kit's migrations and of the service's, each in a transaction, under an advisory lock.

    The service's are in `services/<service>/migrations` unless another `folder` is told. Returns the names applied. Raises
    MigrationChanged if an applied file was edited.
    """
    own = folder or files("services") / service / "migrations"
    async with pool.acquire() as connection:
        await connection.execute("SELECT pg_advisory_lock($1, hashtext($2))", _LOCK, service)
        try:
            await connection.execute(_LEDGER)
            return [name for name, text in _files(service, own) if await _apply(connection, name, text)]
        finally:
            await connection.execute("SELECT pg_advisory_unlock($1, hashtext($2))", _LOCK, service)


async def _apply(connection: asyncpg.Connection, name: str, text: str) -> bool:
    digest = sha256(text.encode()).hexdigest()
    applied = await connection.fetchval("SELECT sha256 FROM migrations WHERE name = $1", name)
    if applied == digest:
        return False
    if applied is not None:
        raise MigrationChanged(name)
    async with connection.transaction():
        await connection.execute(text)
        await connection.execute("INSERT INTO migrations (name, sha256) VALUES ($1, $2)", name, digest)
    log.info("migration.applied", name=name)
    return True


def _files(service: str, own: Traversable) -> Iterator[tuple[str, str]]:
    for package, folder in (("kit", files("kit") / "migrations"), (service, own)):
        for file in _numbered(folder):
            yield f"{package}/{file.name}", file.read_text()


def _numbered(folder: Traversable) -> list[Traversable]:
    return sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
