"""Datasets: their cases are checked line by line, kept as a blob, and known by a name that stands for what was uploaded last."""

import asyncio
import io
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import asyncpg
import structlog

from kit.datasets.fingerprint import Fingerprint
from kit.datasets.lines import once_each, read_cases
from kit.errors import Permanent
from kit.ports.blobs import BlobStore
from kit.postgres import load_queries

log = structlog.get_logger(__name__)

# A metadata field with more values than this makes no slices.
MAX_SLICES = 20


@dataclass(frozen=True, slots=True)
class Counted:
    """What the cases of a dataset are; `slices` counts them by the values of each metadata field that has few.

    `gold` are the documents that they rest on, each once.
    """

    fingerprint: str
    cases: int
    unanswerable: int
    slices: Mapping[str, Mapping[str, int]]
    gold: list[str]


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
        return [row async for row in load_queries("rag").datasets(self.pool, tenant_id=tenant_id, after=after, limit=limit)]

    async def get(self, tenant_id: str, name: str, fingerprint: str | None = None) -> asyncpg.Record:
        """What a name stands for, or that content which it once had. Raises Permanent `dataset_unknown`."""
        row = await load_queries("rag").dataset_named(self.pool, tenant_id=tenant_id, name=name, fingerprint=fingerprint)
        if row is None:
            told = f"there is no dataset {name!r}" if fingerprint is None else f"{name!r} never had the content {fingerprint!r}"
            raise Permanent("dataset_unknown", f"{told}; GET /datasets lists them, POST /datasets makes one")
        return row

    async def documents(self, tenant_id: str, dataset: asyncpg.Record, generation: str | None = None) -> asyncpg.Record | None:
        """How many documents a dataset's cases rest on, how many searches cannot find now (in that index generation), and some of these.

        None if that cannot be known any more: it was registered before this was counted, and its cases cannot be read now.
        """
        which = {"tenant_id": tenant_id, "name": dataset["name"], "fingerprint": dataset["fingerprint"]}
        found = await load_queries("rag").gold_documents(self.pool, **which, generation=generation)
        if found["gold"] is not None:
            return found
        try:
            lines = await self.blobs.get(dataset["blob"]["uri"], dataset["blob"]["bytes"])
            gold = (await asyncio.to_thread(count, lines)).gold
        except Permanent as error:
            log.warning("dataset.gold_unknown", name=dataset["name"], fingerprint=dataset["fingerprint"], reason=error.message)
            return None
        await load_queries("rag").put_gold(self.pool, **which, gold=gold)
        return await load_queries("rag").gold_documents(self.pool, **which, generation=generation)

    async def uploads(self, tenant_id: str, name: str) -> list[asyncpg.Record]:
        """All contents that a name ever had, the last first."""
        return [row async for row in load_queries("rag").dataset_uploads(self.pool, tenant_id=tenant_id, name=name)]


def count(lines: bytes) -> Counted:
    """Checks and counts the cases. Raises as `Datasets.register`."""
    whole, cases, unanswerable = Fingerprint(), 0, 0
    slices: dict[str, Counter[str]] = {}
    gold: set[str] = set()
    for case in once_each(read_cases(io.BytesIO(lines)), lambda case: case.id):
        whole.add(case)
        cases, unanswerable = cases + 1, unanswerable + (not case.answerable)
        gold.update(each.document_id for each in case.gold)
        for name, value in case.metadata.items():
            slices.setdefault(name, Counter())[value] += 1
    few = {name: dict(values) for name, values in slices.items() if len(values) <= MAX_SLICES}
    return Counted(whole.hexdigest(), cases, unanswerable, few, sorted(gold))
