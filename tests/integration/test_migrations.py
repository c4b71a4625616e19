"""Migrations are applied once whoever starts first, are never edited, and leave the code that runs beside them working."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import aiosql
import asyncpg
import pytest
from pydantic import SecretStr

from contracts.chunks import ChunksDeletedV1
from kit.migrations import MigrationChanged, migrate
from kit.postgres import open_pool
from kit.settings import PostgresSettings
from services.indexer.store import Retirement, Store
from tests.architecture.shape import ROOT, SERVICES
from tests.events import received
from tests.integration.conftest import OpenEffects
from workbench.release import releases
from workbench.stack.servers import Servers, fresh_database

OpenPool = Callable[[str], Awaitable[asyncpg.Pool]]

ADDITIVE = """
ALTER TABLE documents ADD COLUMN language text NOT NULL DEFAULT 'und', ADD COLUMN note text;
ALTER TABLE retirements ADD COLUMN added_at timestamptz NOT NULL DEFAULT now();
CREATE TABLE languages (language text PRIMARY KEY);
CREATE INDEX documents_by_language ON documents (language);
CREATE OR REPLACE VIEW v_documents AS
SELECT document_id, tenant_id, version, visible_version, visible_sha256, deleted, chunks, chunks AS indexed, updated_at, language
FROM documents;
"""


@pytest.fixture
async def open_empty(servers: Servers) -> AsyncIterator[OpenPool]:
    """Opens a pool as a service has it, on a database with nothing in it."""
    empty = fresh_database(servers)
    async with AsyncExitStack() as stack:

        async def opened(service: str) -> asyncpg.Pool:
            settings = PostgresSettings(dsn=SecretStr(empty.dsn(service)), pool_size=2)
            return await stack.enter_async_context(open_pool(settings, service))

        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of indexer's migrations, to be changed."""
    return Path(shutil.copytree(ROOT / "services/indexer/migrations", tmp_path / "migrations"))


async def refused(pool: asyncpg.Pool, queries: Path) -> dict[str, str]:
    """The queries of a file that the database would not run for this role, and why. None of them is run."""
    found = {}
    named = aiosql.from_path(queries, "asyncpg", mandatory_parameters=False)
    for name in named.available_queries:
        try:
            await pool.execute(f"EXPLAIN (GENERIC_PLAN) {getattr(named, name).sql}")
        except asyncpg.PostgresError as error:
            found[name] = str(error)
    return found


async def test_a_second_start_applies_nothing(open_empty: OpenPool) -> None:
    """What was applied is in the ledger."""
    pool = await open_empty("indexer")

    first, second = await migrate(pool, "indexer"), await migrate(pool, "indexer")

    assert {name.split("/")[0] for name in first} == {"kit", "indexer"}
    assert second == []


async def test_starts_at_the_same_time_apply_each_migration_once(open_empty: OpenPool) -> None:
    """Four replicas, each with connections of its own: one applies, the others wait and find it done."""
    pools = [await open_empty("indexer") for _ in range(4)]

    applied = await asyncio.gather(*(migrate(pool, "indexer") for pool in pools))

    [names] = filter(None, applied)
    assert await pools[0].fetchval("SELECT count(*) FROM migrations") == len(names)


async def test_an_edited_migration_is_refused(open_empty: OpenPool, folder: Path) -> None:
    """Other databases have run the old text; even a comment would hide that."""
    pool = await open_empty("indexer")
    await migrate(pool, "indexer", folder)
    with (folder / "0001_documents.sql").open("a") as file:
        file.write("-- a better word\n")

    with pytest.raises(MigrationChanged, match=r"indexer/0001_documents\.sql"):
        await migrate(pool, "indexer", folder)


async def test_a_migration_that_fails_leaves_nothing_and_is_applied_when_it_is_right(open_empty: OpenPool, folder: Path) -> None:
    """Those before it stay."""
    pool = await open_empty("indexer")
    new = folder / "0002_words.sql"
    new.write_text("CREATE TABLE words (word text); SELECT 1 / 0;")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await migrate(pool, "indexer", folder)

    new.write_text("CREATE TABLE words (word text);")

    assert await migrate(pool, "indexer", folder) == ["indexer/0002_words.sql"]


async def test_running_code_works_on_after_a_migration_that_adds(open_effects: OpenEffects, folder: Path) -> None:
    """Its connections have prepared their statements on the old schema, as in a replica that is not replaced yet."""
    effects = await open_effects("indexer")
    store = Store(effects)
    await delete(store, "a", 1)
    (folder / "0002_languages.sql").write_text(ADDITIVE)

    applied = await migrate(effects.pool, "indexer", folder)
    await delete(store, "a", 2)
    await delete(store, "b", 1)

    assert applied == ["indexer/0002_languages.sql"]
    assert await store.due() == [Retirement("a", 2), Retirement("b", 1)]
    assert await refused(effects.pool, ROOT / "services/indexer/queries.sql") == {}


@pytest.mark.parametrize("module", ["kit", *SERVICES])
async def test_the_queries_of_the_last_release_run_on_todays_migrations(open_empty: OpenPool, module: str) -> None:
    """While a new version is rolled out the old one asks them still, of its own schema and of the views of others."""
    pools = {service: await open_empty(service) for service in SERVICES}
    for service, pool in pools.items():
        await migrate(pool, service)

    found = await refused(pools["ingest" if module == "kit" else module], releases()[-1] / f"queries/{module}.sql")

    assert found == {}


@pytest.mark.parametrize(
    ("sql", "query"),
    [
        ("ALTER TABLE documents DROP COLUMN chunks CASCADE", "claim_version"),
        ("ALTER TABLE batches RENAME TO parts", "record_batch"),
        ("REVOKE SELECT ON retirements FROM indexer", "due_retirements"),
    ],
    ids=["dropped", "renamed", "revoked"],
)
async def test_a_migration_that_takes_away_is_seen(open_empty: OpenPool, folder: Path, sql: str, query: str) -> None:
    """The checker itself: this is what the test above would show."""
    pool = await open_empty("indexer")
    (folder / "0002_less.sql").write_text(sql)

    await migrate(pool, "indexer", folder)

    assert query in await refused(pool, ROOT / "services/indexer/queries.sql")


async def delete(store: Store, document_id: str, version: int) -> None:
    """Uses a transaction and the inbox as a handler does."""
    event = received(ChunksDeletedV1(document_id=document_id, document_version=version))
    async with store.effects.once(event) as effect:
        await store.mark_deleted(effect, event)
