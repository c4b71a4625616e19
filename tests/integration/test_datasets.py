"""Datasets as rag keeps them: checked line by line, known by name and content, read by evaluator through a view."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from kit.datasets.case import Case
from kit.datasets.fingerprint import fingerprint
from kit.datasets.lines import read_cases, written
from kit.fakes.blobs import InMemoryBlobs
from services.rag.api import datasets, problems
from services.rag.api.middleware import Observed
from services.rag.authenticate import ANYBODY
from services.rag.datasets import Datasets
from services.rag.principal import Principal, Scope
from tests.integration.conftest import OpenEffects
from tests.unit.rag.served import OneUser, direct
from workbench.stack.servers import Servers

CASES = (
    Case(id="a", question="When?", answers=("now",), metadata={"topic": "time"}),
    Case(id="b", question="Why?", answerable=False, metadata={"topic": "reasons"}),
    Case(id="c", question="How long?", answers=("an hour",), metadata={"topic": "time"}),
)


@dataclass(frozen=True)
class Rag:
    """The routes of datasets over a real database."""

    http: httpx.AsyncClient
    pool: asyncpg.Pool
    blobs: InMemoryBlobs

    async def upload(self, name: str, data: bytes, **fields: str) -> httpx.Response:
        """POST /datasets."""
        return await self.http.post("/datasets", files={"file": ("cases.jsonl", data)}, data={"name": name, **fields})


def app_of(pool: asyncpg.Pool, blobs: InMemoryBlobs, who: Principal = ANYBODY) -> FastAPI:
    """The routes, for one user."""
    app = FastAPI()
    app.state.parts = SimpleNamespace(datasets=Datasets(pool, blobs), authenticator=OneUser(who))
    problems.add_problem_handlers(app)
    app.include_router(datasets.router)
    app.add_middleware(Observed)
    return app


@pytest.fixture
async def rag(open_effects: OpenEffects) -> AsyncIterator[Rag]:
    """For a user who may do anything."""
    for service in ("ingest", "indexer"):
        await open_effects(service)
    pool, blobs = (await open_effects("rag")).pool, InMemoryBlobs()
    async with direct(app_of(pool, blobs)) as http:
        yield Rag(http, pool, blobs)


def lines(*cases: Case) -> bytes:
    """Cases as a file."""
    return b"".join(map(written, cases))


def new_name() -> str:
    """One that nobody has used."""
    return f"set-{uuid4().hex}"


async def test_a_dataset_is_kept_counted_and_found_by_name(rag: Rag) -> None:
    """With the fingerprint that anybody computes of its cases."""
    name = new_name()

    made = await rag.upload(name, lines(*CASES), description="three questions")
    found = (await rag.http.get(f"/datasets/{name}")).json()

    assert (made.status_code, made.headers["location"]) == (201, f"/datasets/{name}")
    assert (found["fingerprint"], found["cases"], found["unanswerable"]) == (fingerprint(CASES), 3, 1)
    assert (found["description"], found["slices"]) == ("three questions", {"topic": {"time": 2, "reasons": 1}})


async def test_the_same_cases_again_are_the_same_dataset(rag: Rag) -> None:
    """In another order and spelling too; the blob of the first time stays."""
    name = new_name()
    first = await rag.upload(name, lines(*CASES))
    blob = await rag.pool.fetchval("SELECT blob FROM datasets WHERE name = $1", name)

    again = await rag.upload(name, b"\xef\xbb\xbf\n" + lines(*reversed(CASES)).replace(b'":', b'" : '))

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["fingerprint"] == again.json()["fingerprint"]
    assert await rag.pool.fetchval("SELECT blob FROM datasets WHERE name = $1", name) == blob


async def test_a_name_stands_for_what_was_uploaded_last(rag: Rag) -> None:
    """Also if that is what it stood for long ago; every content is remembered."""
    name = new_name()
    sent = [lines(*CASES), lines(*CASES[:2]), lines(*CASES)]

    stood = [(await rag.upload(name, data)).json()["cases"] for data in sent]
    found = (await rag.http.get(f"/datasets/{name}")).json()

    assert stood == [3, 2, 3]
    assert (found["cases"], [upload["cases"] for upload in found["uploads"]]) == (3, [3, 2])


async def test_evaluator_reads_the_newest_by_the_view(rag: Rag, database: Servers) -> None:
    """One row a name, and the blob is its cases, one a line."""
    name = new_name()
    for data in (lines(*CASES[:1]), lines(*CASES)):
        await rag.upload(name, data)
    connection = await asyncpg.connect(database.dsn("evaluator"))
    try:
        await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
        [row] = await connection.fetch("SELECT * FROM rag.v_datasets WHERE tenant_id = 'default' AND name = $1", name)
    finally:
        await connection.close()

    stored = await rag.blobs.get(row["blob"]["uri"], row["blob"]["bytes"])
    assert (row["fingerprint"], row["cases"], row["unanswerable"]) == (fingerprint(CASES), 3, 1)
    assert tuple(read_cases(io.BytesIO(stored))) == CASES


@pytest.mark.parametrize(
    ("data", "code", "place"),
    [
        (lines(CASES[0]) + b"{oops\n", "dataset_line_invalid", "line 2"),
        (lines(CASES[0]) + b'\n{"id": "x", "question": "?", "colour": 1}\n', "dataset_line_invalid", "line 3"),
        (b'{"id": "x", "question": "?"}', "dataset_gold_missing", "line 1"),
        (lines(CASES[0], CASES[1], CASES[0]), "dataset_case_repeated", "case 3"),
        (b" \n\n", "dataset_empty", "no cases"),
        (b"\xff\xfe\x00", "dataset_line_invalid", "line 1"),
    ],
    ids=["no JSON", "unknown field", "no gold", "repeated id", "empty", "binary"],
)
async def test_bad_cases_are_refused_with_their_line(rag: Rag, data: bytes, code: str, place: str) -> None:
    """And nothing is kept, neither a row nor a blob."""
    name = new_name()

    answer = await rag.upload(name, data)

    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert place in answer.json()["detail"]
    assert (await rag.http.get(f"/datasets/{name}")).json()["code"] == "dataset_unknown"
    assert rag.blobs.blobs == {}


@pytest.mark.parametrize(("name", "fields"), [("", {}), ("hf:squad", {}), ("a/b", {}), ("a", {"colour": "red"})])
async def test_a_form_that_is_none_is_refused(rag: Rag, name: str, fields: dict[str, str]) -> None:
    """`hf:` is what the hub's datasets are called."""
    answer = await rag.upload(name, lines(*CASES), **fields)

    assert (answer.status_code, answer.json()["code"]) == (422, "request_invalid")


async def test_datasets_are_listed_by_name_a_page_at_a_time(rag: Rag) -> None:
    """Each once, whatever it stood for before."""
    names = sorted(new_name() for _ in range(3))
    await asyncio.gather(*(rag.upload(name, lines(*CASES)) for name in names))
    await rag.upload(names[0], lines(CASES[0]))

    first = (await rag.http.get("/datasets", params={"after": names[0][:-1], "limit": 2})).json()
    second = (await rag.http.get("/datasets", params={"after": first["next"]})).json()

    found: list[dict[str, Any]] = [*first["datasets"], *second["datasets"]]
    assert [one["cases"] for one in found if one["name"] in names] == [1, 3, 3]


async def test_tenants_do_not_see_each_others_datasets(rag: Rag) -> None:
    """The same name is another dataset."""
    name = new_name()
    await rag.upload(name, lines(*CASES))

    async with direct(app_of(rag.pool, rag.blobs, Principal("another", None, frozenset(Scope)))) as http:
        answers = [await http.get(f"/datasets/{name}"), await http.get("/datasets")]

    assert answers[0].json()["code"] == "dataset_unknown"
    assert name not in answers[1].text


@pytest.mark.parametrize(("scope", "statuses"), [(Scope.QUERY, (403, 200)), (Scope.EVALS_WRITE, (201, 403))])
async def test_to_write_and_to_read_are_two_scopes(rag: Rag, scope: Scope, statuses: tuple[int, int]) -> None:
    """Who may ask may see what is asked; who may start evaluations may say on what."""
    async with direct(app_of(rag.pool, rag.blobs, Principal("default", "k", frozenset({scope})))) as http:
        user = Rag(http, rag.pool, rag.blobs)
        answers = [await user.upload(new_name(), lines(*CASES)), await http.get("/datasets")]

    assert tuple(answer.status_code for answer in answers) == statuses
