"""The documents that a dataset's cases rest on: counted once, and looked for whenever somebody asks."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from uuid import uuid4

import asyncpg
import httpx
import pytest

from kit.datasets.case import Case, Gold
from kit.datasets.lines import written
from kit.fakes.blobs import InMemoryBlobs
from tests.integration.conftest import OpenEffects
from tests.integration.test_datasets import app_of
from tests.unit.rag.served import direct

MANY = 20_000

_VISIBLE = """
INSERT INTO documents (document_id, tenant_id, version, visible_version)
SELECT unnest($1::text[]), $2, 1, 1
"""
_PLACED = "INSERT INTO placements (document_id, generation, version, chunks, complete_version) VALUES ($1, $2, 1, 1, $3)"


@dataclass(frozen=True)
class Rag:
    """The routes of datasets over real databases; documents are as indexer, ingest and rag say of them."""

    http: httpx.AsyncClient
    rag: asyncpg.Pool
    ingest: asyncpg.Pool
    indexer: asyncpg.Pool
    blobs: InMemoryBlobs

    async def register(self, name: str, *cases: Case) -> None:
        """POST /datasets."""
        lines = b"".join(map(written, cases))
        answer = await self.http.post("/datasets", files={"file": ("cases.jsonl", lines)}, data={"name": name})
        assert answer.status_code == 201, answer.text

    async def index(self, *ids: str, tenant_id: str = "default") -> None:
        """Makes documents visible."""
        await self.indexer.execute(_VISIBLE, list(ids), tenant_id)

    async def documents(self, name: str, **params: str) -> dict[str, object] | None:
        """What GET /datasets/{name} says of them."""
        answer = await self.http.get(f"/datasets/{name}", params=params)
        assert answer.status_code == 200, answer.text
        found: dict[str, object] | None = answer.json()["documents"]
        return found


@pytest.fixture
async def rag(open_effects: OpenEffects) -> AsyncIterator[Rag]:
    """For the tenant `default`, who may do anything."""
    own, ingest, indexer = [(await open_effects(service)).pool for service in ("rag", "ingest", "indexer")]
    blobs = InMemoryBlobs()
    async with direct(app_of(own, blobs)) as http:
        yield Rag(http, own, ingest, indexer, blobs)


def case(number: int, documents: Sequence[str]) -> Case:
    """One whose answer stands in these documents."""
    gold = tuple(Gold(document_id=document_id) for document_id in documents)
    return Case(id=f"c{number}", question=f"Question {number}?", answers=("yes",), gold=gold)


def new_ids(count: int) -> list[str]:
    """Ids that nobody has used, in order."""
    prefix = f"gold-{uuid4().hex}"
    return [f"{prefix}-{number:05}" for number in range(count)]


async def test_documents_that_are_not_indexed_are_missing(rag: Rag) -> None:
    """Each is counted once, however many cases rest on it; some of the missing ones are named."""
    name, ids = uuid4().hex, new_ids(9)
    await rag.register(name, case(1, ids), case(2, ids[:2]))
    await rag.index(ids[1], ids[2])

    found = await rag.documents(name)

    assert found == {"gold": 9, "missing": 7, "examples": [ids[0], *ids[3:7]]}


async def test_a_dataset_without_gold_misses_nothing(rag: Rag) -> None:
    """Its answers may stand anywhere."""
    name = uuid4().hex
    await rag.register(name, case(1, ()))

    assert await rag.documents(name) == {"gold": 0, "missing": 0, "examples": []}


@pytest.mark.parametrize("heard_by", ["rag", "ingest", "indexer"])
async def test_a_document_is_missing_from_the_moment_of_its_delete_on(rag: Rag, heard_by: str) -> None:
    """Whoever of the three has heard of it."""
    name, [gone, kept] = uuid4().hex, new_ids(2)
    await rag.register(name, case(1, [gone, kept]))
    await rag.index(gone, kept)
    delete = {
        "rag": "INSERT INTO uploads (document_id, tenant_id, version, deleted, deleted_below, title, media_type, uri, sha256, bytes) "
        "VALUES ($1, 'default', 2, true, 2, '', '', '', '', 0)",
        "ingest": "INSERT INTO documents (document_id, tenant_id, version, status, deleted_below) VALUES ($1, 'default', 2, 'deleted', 2)",
        "indexer": "UPDATE documents SET visible_version = NULL, deleted = true, version = 2 WHERE document_id = $1",
    }
    await getattr(rag, heard_by).execute(delete[heard_by], gone)

    assert await rag.documents(name) == {"gold": 2, "missing": 1, "examples": [gone]}


async def test_documents_of_another_tenant_are_missing(rag: Rag) -> None:
    """Though their id is the same."""
    name, ids = uuid4().hex, new_ids(1)
    await rag.register(name, case(1, ids))
    await rag.index(*ids, tenant_id="another")

    assert await rag.documents(name) == {"gold": 1, "missing": 1, "examples": ids}


async def test_a_generation_has_what_is_complete_in_it(rag: Rag) -> None:
    """One that is still being built misses the rest, though searches of the active one find it. One that is ahead has what they find."""
    name, ids, generation = uuid4().hex, new_ids(4), f"g-{uuid4().hex[:8]}"
    await rag.register(name, case(1, ids))
    await rag.index(*ids)
    await rag.indexer.execute("INSERT INTO generations (generation) VALUES ($1)", generation)
    for document_id, complete in ((ids[0], 1), (ids[1], 2), (ids[2], None)):
        await rag.indexer.execute(_PLACED, document_id, generation, complete)

    found = [await rag.documents(name), await rag.documents(name, generation=generation)]

    assert found == [{"gold": 4, "missing": 0, "examples": []}, {"gold": 4, "missing": 2, "examples": ids[2:]}]


async def test_a_content_that_a_name_once_had_is_told_by_its_fingerprint(rag: Rag) -> None:
    """An evaluation of it may still be running."""
    name, ids = uuid4().hex, new_ids(3)
    await rag.register(name, case(1, ids))
    earlier = (await rag.http.get(f"/datasets/{name}")).json()["fingerprint"]
    await rag.register(name, case(1, ids[:1]))

    found = [await rag.documents(name), await rag.documents(name, fingerprint=earlier)]
    unknown = await rag.http.get(f"/datasets/{name}", params={"fingerprint": "f" * 64})

    assert [one and one["gold"] for one in found] == [1, 3]
    assert (unknown.status_code, unknown.json()["code"]) == (404, "dataset_unknown")


async def test_what_was_registered_before_they_were_counted_is_counted_when_somebody_asks(rag: Rag) -> None:
    """Once; where its cases cannot be read any more, nothing is claimed."""
    name, ids = uuid4().hex, new_ids(2)
    await rag.register(name, case(1, ids))
    forget = "UPDATE datasets SET gold = NULL WHERE name = $1"
    await rag.rag.execute(forget, name)

    counted = await rag.documents(name)
    kept = await rag.rag.fetchval("SELECT gold FROM datasets WHERE name = $1", name)
    await rag.rag.execute(forget, name)
    rag.blobs.blobs.clear()

    assert (counted, kept) == ({"gold": 2, "missing": 2, "examples": ids}, ids)
    assert await rag.documents(name) is None


async def test_tens_of_thousands_are_looked_for_at_once(rag: Rag) -> None:
    """However many there are."""
    name, ids = uuid4().hex, new_ids(MANY)
    await rag.register(name, *(case(n, ids[n * 100 : (n + 1) * 100]) for n in range(MANY // 100)))
    await rag.index(*ids[:-1])

    assert await rag.documents(name) == {"gold": MANY, "missing": 1, "examples": ids[-1:]}
