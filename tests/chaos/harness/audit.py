"""The audit: what a service's committed transactions wrote, seen by triggers that the service knows nothing of."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from tests.chaos.harness.workload import Workload

_SCHEMA = Path(__file__).with_name("audit.sql").read_text()
_ON_WRITE = "CREATE OR REPLACE TRIGGER note {when} ON {table} FOR EACH ROW EXECUTE FUNCTION chaos.note()"
# Who claims an event that was claimed before writes its row again. Alone in its transaction, the event undoes that, and logs it.
AGAIN = {"inbox": "AFTER UPDATE"}

Rows = Sequence[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Audit:
    """Reads the database as its administrator, with a connection of its own each time: the server may have been away."""

    dsn: str
    workload: Workload

    async def install(self) -> None:
        """Starts to keep what is written; the service's tables must be there."""
        connection = await asyncpg.connect(self.dsn)
        try:
            await connection.execute(_SCHEMA)
            for table, when in {**self.workload.watched, **AGAIN}.items():
                await connection.execute(_ON_WRITE.format(when=when, table=f"{self.workload.service}.{table}"))
        finally:
            await connection.close()

    async def fetch(self, sql: str, *values: object) -> list[asyncpg.Record]:
        """What a query gives."""
        connection = await asyncpg.connect(self.dsn)
        try:
            rows: list[asyncpg.Record] = await connection.fetch(sql, *values)
            return rows
        finally:
            await connection.close()

    async def written(self, table: str) -> Rows:
        """Every row that was committed to a watched table, in order."""
        origin = f"{self.workload.service}.{table}"
        return [
            json.loads(row["entry"]) for row in await self.fetch("SELECT entry FROM chaos.effects WHERE origin = $1 ORDER BY seq", origin)
        ]

    async def written_at(self, table: str) -> list[float]:
        """When each of them was written (seconds since 1970), in order of time."""
        origin = f"{self.workload.service}.{table}"
        return [row["at"].timestamp() for row in await self.fetch("SELECT at FROM chaos.effects WHERE origin = $1 ORDER BY at", origin)]

    async def rows(self, table: str) -> Rows:
        """A table as it is."""
        return [dict(row) for row in await self.fetch(f"SELECT * FROM {self.workload.service}.{table}")]  # noqa: S608

    async def handled(self, event_ids: Sequence[str]) -> set[str]:
        """Those of the events that the inbox knows."""
        rows = await self.fetch(f"SELECT event_id FROM {self.workload.service}.inbox WHERE event_id = ANY($1)", list(event_ids))  # noqa: S608
        return {row["event_id"] for row in rows}

    async def told(self) -> int:
        """How many events wait in the outbox."""
        return len(await self.rows("outbox"))
