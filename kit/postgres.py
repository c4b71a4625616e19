"""Postgres: one pool a service, bound to its schema; named queries; and asyncpg's errors in our words."""

import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from importlib.resources import as_file, files
from typing import Any

import aiosql
import asyncpg

from kit.errors import DependencyDown, Permanent, Transient, WorkbenchError
from kit.settings import PostgresSettings

_DOWN = (
    ConnectionError,
    socket.gaierror,
    TimeoutError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InterfaceError,
    asyncpg.InvalidCatalogNameError,
)
_AGAIN = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError, asyncpg.LockNotAvailableError)


@asynccontextmanager
async def open_pool(settings: PostgresSettings, schema: str) -> AsyncIterator[asyncpg.Pool]:
    """Yields a pool whose connections see `schema` alone. Raises DependencyDown if Postgres does not answer."""
    try:
        pool = await asyncpg.create_pool(
            settings.dsn.get_secret_value(),
            min_size=1,
            max_size=settings.pool_size,
            command_timeout=30,
            server_settings={"search_path": schema, "application_name": f"workbench-{schema}"},
            init=_set_codecs,
            reset=_as_it_is,
        )
    except (*_DOWN, OSError) as error:
        raise DependencyDown("postgres_down", f"Postgres does not answer for {schema}: {error}") from error
    try:
        yield pool
    finally:
        await pool.close()


async def ping(pool: asyncpg.Pool) -> None:
    """Raises DependencyDown if Postgres does not answer."""
    try:
        await pool.fetchval("SELECT 1")
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise DependencyDown("postgres_down", f"Postgres does not answer: {error}") from error


@cache
def load_queries(service: str) -> Any:
    """The named queries of `services/<service>/queries.sql`, or of `kit/queries.sql` for `kit`: a method each, typed by its SQL alone."""
    home = files("kit") if service == "kit" else files("services") / service
    with as_file(home / "queries.sql") as path:
        return aiosql.from_path(path, "asyncpg", mandatory_parameters=False)


def translated(error: BaseException) -> WorkbenchError | None:
    """Gives a database error in our words, or None if it is not one of those that say something about the server's health."""
    if isinstance(error, asyncpg.UndefinedTableError | asyncpg.InvalidSchemaNameError):
        return DependencyDown("view_missing", f"a view of another service is not there yet ({error}); start that service once")
    # asyncpg's own DataError, of a value it cannot encode, is an InterfaceError too.
    if isinstance(error, asyncpg.DataError) or (isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError)):
        return Permanent("value_unstorable", f"a value cannot be stored: {error}; leave out NUL characters and numbers beyond 32 bits")
    if isinstance(error, _AGAIN):
        return Transient("postgres_conflict", f"the transaction lost a race: {error}")
    # A host with several addresses, none of which answers, is a bare OSError; other OSErrors are not about the database.
    if isinstance(error, _DOWN) or (type(error) is OSError and str(error).startswith("Multiple exceptions")):
        return DependencyDown("postgres_down", f"Postgres does not answer: {error}")
    return None


async def _as_it_is(_: Any) -> None:
    """Instead of asyncpg's own query after each of ours, a round trip of its own: nothing here changes a session for longer than a
    transaction, which asyncpg ends before this, and whoever takes a lock of the session gives it back or ends the connection.
    """


async def _set_codecs(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
