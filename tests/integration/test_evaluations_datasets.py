"""The cases of an uploaded dataset: read once, whole or not at all, and never within a transaction that others wait for."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from hashlib import sha256

from kit.datasets.fingerprint import fingerprint
from kit.datasets.lines import BOM, written
from kit.fakes.blobs import InMemoryBlobs
from services.evaluator.case_store import CaseStore
from services.evaluator.dataset import Datasets
from tests.bench.evaluator import cases_of
from tests.integration.conftest import OpenEffects
from tests.integration.evaluations import TENANT, Evaluator, Options, open_evaluator
from tests.unit.evaluator.rags import ScriptedRag

_KNOWN = "SELECT reltuples, (SELECT count(*) FROM cases) FROM pg_class WHERE oid = 'cases'::regclass"
_LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended($1 || ' ' || $2, 0))"


@dataclass
class SlowBlobs(InMemoryBlobs):
    """A store that stops in the middle of what it gives."""

    begun: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def stream(self, uri: str, limit: int) -> AsyncIterator[bytes]:
        """Gives half of it, and the rest when it may."""
        data = await self.get(uri, limit)
        yield data[: len(data) // 2]
        self.begun.set()
        await self.go_on.wait()
        yield data[len(data) // 2 :]


async def uploaded(evaluator: Evaluator, name: str, data: bytes, dataset: str) -> None:
    """A dataset as rag keeps it, whatever its bytes are."""
    blob = await evaluator.blobs.put(data)
    await evaluator.admin.pool.execute(
        "INSERT INTO datasets (tenant_id, name, fingerprint, cases, unanswerable, blob) VALUES ($1, $2, $3, 3, 0, $4)",
        *(TENANT, name, dataset),
        {"uri": blob.uri, "sha256": sha256(data).hexdigest(), "bytes": len(data)},
    )


async def test_a_byte_order_mark_is_no_part_of_the_first_case(open_effects: OpenEffects) -> None:
    """An upload passes it over; its hash is of all bytes."""
    evaluator = await open_evaluator(open_effects, ScriptedRag(), Options())
    data = BOM + b"".join(written(case) for case in cases_of(3))
    await uploaded(evaluator, "marked", data, fingerprint(cases_of(3)))

    seen = await evaluator.evaluated(dataset="marked")

    assert (seen["status"], seen["error_message"], seen["done"]) == ("completed", None, 3)


async def test_a_case_that_cannot_be_stored_fails_the_evaluation_and_says_where(open_effects: OpenEffects) -> None:
    """It is an outcome, and no dead letter."""
    evaluator = await open_evaluator(open_effects, ScriptedRag(), Options())
    data = written(cases_of(1)[0]) + b'{"id": "odd", "question": "Wh\\u0000y?", "answers": ["a"]}\n'
    await uploaded(evaluator, "with-nul", data, "e" * 64)

    seen = await evaluator.evaluated(dataset="with-nul")

    assert (seen["status"], seen["error_code"]) == ("failed", "dataset_line_invalid")
    assert "line 2" in seen["error_message"]


async def test_nobody_waits_for_the_store_that_a_dataset_comes_from(open_effects: OpenEffects) -> None:
    """Its cases are locked while they are written, and not while they are fetched."""
    evaluator = await open_evaluator(open_effects, ScriptedRag(), Options())
    evaluator.blobs = slow = SlowBlobs()
    cases, dataset = CaseStore(evaluator.effects.pool), fingerprint(cases_of(5))
    await evaluator.prepare("from-afar", cases_of(5))

    fetching = asyncio.create_task(Datasets(cases, slow).fetched(TENANT, "from-afar"))
    await asyncio.wait_for(slow.begun.wait(), 60)
    free = await evaluator.effects.pool.fetchval(_LOCK, TENANT, dataset)
    slow.go_on.set()

    assert (free, await fetching, await cases.has(TENANT, dataset)) == (True, dataset, True)


async def test_the_database_knows_at_once_how_large_a_dataset_is(open_effects: OpenEffects) -> None:
    """Or its plans would be those of an empty table, which read the whole dataset for each case that is asked."""
    evaluator = await open_evaluator(open_effects, ScriptedRag(), Options())
    await evaluator.prepare("new", cases_of(700))

    await Datasets(CaseStore(evaluator.effects.pool), evaluator.blobs).fetched(TENANT, "new")

    known, there = await evaluator.effects.pool.fetchrow(_KNOWN)
    assert known == there >= 700
