"""The pool: a connection that was given back is ready for the next, and costs nothing to give back."""

import asyncio
from typing import Any

import asyncpg
import pytest
from pydantic import SecretStr

from kit.postgres import open_pool
from kit.settings import PostgresSettings
from workbench.stack.servers import Servers


def settings(database: Servers) -> PostgresSettings:
    """One connection, so that all share it."""
    return PostgresSettings(dsn=SecretStr(database.dsn("rag")), pool_size=1)


async def test_giving_a_connection_back_asks_the_server_nothing(database: Servers) -> None:
    """A query is one round trip."""
    asked: list[str] = []

    def note(record: Any) -> None:
        asked.append(record.query)

    async with open_pool(settings(database), "rag") as pool:
        async with pool.acquire() as connection:
            connection.add_query_logger(note)
        await pool.fetchval("SELECT 1")
        await pool.fetchval("SELECT 2")

    assert asked == ["SELECT 1", "SELECT 2"]


async def test_a_transaction_that_was_left_open_is_not_the_next_ones(database: Servers) -> None:
    """Whatever became of who began it."""
    async with open_pool(settings(database), "rag") as pool:
        connection = await pool.acquire()
        await connection.execute("BEGIN")
        await connection.execute("CREATE TABLE left_open (x int)")
        await pool.release(connection)

        assert await pool.fetchval("SELECT to_regclass('left_open')") is None


async def test_a_question_that_was_given_up_is_not_the_next_ones(database: Servers) -> None:
    """Its answer goes nowhere."""
    async with open_pool(settings(database), "rag") as pool:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await pool.fetchval("SELECT 1 FROM pg_sleep(5)")

        assert await pool.fetchval("SELECT 2") == 2
        with pytest.raises(asyncpg.DivisionByZeroError):
            await pool.fetchval("SELECT 1 / 0")
        assert await pool.fetchval("SELECT 3") == 3
