"""Datasets: their cases are checked line by line, kept as a blob, and known by a name that stands for what was uploaded last."""

import asyncio
import io
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import asyncpg

from kit.datasets.fingerprint import Fingerprint
from kit.datasets.lines import once_each, read_cases
from kit.errors import Permanent
from kit.ports.blobs import BlobStore
from kit.postgres import load_queries

# A metadata field with more values than this makes no slices.
MAX_SLICES = 20


@dataclass(frozen=True, slots=True)
class Counted:
    """What the cases of a dataset are; `slices` counts them by the values of each metadata field that has few."""

    fingerprint: str
    cases: int
    unanswerable: int
    slices: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Registered:
    """A dataset as it is kept; `created` unless the name had this content before."""

    row: asyncpg.Record
    created: bool


@dataclass(frozen=True, slots=True)
class Datasets:
    """The datasets of the `rag` schema, which evaluator reads by a view."""

    pool: asyncpg.Pool
    blobs: BlobStore

    async def register(self, tenant_id: str, name: str, description: str, lines: bytes) -> Registered:
        """Keeps the cases that `lines` are, one a line; the same cases in another order are the same content.

        Raises Permanent `dataset_line_invalid` or `dataset_gold_missing` with the line, `dataset_case_repeated` or `dataset_empty`.
        """
        counted = await asyncio.to_thread(count, lines)
        blob = await self.blobs.put(lines)
        row = await load_queries("rag").put_dataset(
            self.pool,
            tenant_id=tenant_id,
            name=name,
            description=description,
            blob=asdict(blob),
            **asdict(counted),
        )
        return Registered(row, created=row["created"])

    async def known(self, tenant_id: str, after: str | None, limit: int) -> list[asyncpg.Record]:
        """What each name stands for, by name."""
        rows = load_queries("rag").datasets(self.pool, tenant_id=tenant_id, name=None, after=after, limit=limit)
        return [row async for row in rows]

    async def get(self, tenant_id: str, name: str) -> asyncpg.Record:
        """What a name stands for. Raises Permanent `dataset_unknown`."""
        async for row in load_queries("rag").datasets(self.pool, tenant_id=tenant_id, name=name, after=None, limit=1):
            return row
        raise Permanent("dataset_unknown", f"there is no dataset {name!r}; GET /datasets lists them, POST /datasets makes one")

    async def uploads(self, tenant_id: str, name: str) -> list[asyncpg.Record]:
        """All contents that a name ever had, the last first."""
        return [row async for row in load_queries("rag").dataset_uploads(self.pool, tenant_id=tenant_id, name=name)]


def count(lines: bytes) -> Counted:
    """Checks and counts the cases. Raises as `Datasets.register`."""
    whole, cases, unanswerable = Fingerprint(), 0, 0
    slices: dict[str, Counter[str]] = {}
    for case in once_each(read_cases(io.BytesIO(lines)), lambda case: case.id):
        whole.add(case)
        cases, unanswerable = cases + 1, unanswerable + (not case.answerable)
        for name, value in case.metadata.items():
            slices.setdefault(name, Counter())[value] += 1
    few = {name: dict(values) for name, values in slices.items() if len(values) <= MAX_SLICES}
    return Counted(whole.hexdigest(), cases, unanswerable, few)
