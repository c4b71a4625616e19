"""GET /documents/{id}/text over real tables: the part that is asked for, of what its tenant has and nobody deleted."""

from dataclasses import dataclass
from types import SimpleNamespace

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from services.rag.api import problems, texts
from services.rag.api.middleware import Observed
from services.rag.principal import Principal, Scope
from services.rag.store import Store
from tests.integration.conftest import OpenEffects
from tests.unit.rag.served import OneUser, direct

TEXT = "Caf\u00e9 \U0001f600 first page.\n\nSecond page is longer." + " More." * 5_000
SECOND = TEXT.index("Second")
OURS = Principal("acme", "k1", frozenset({Scope.DOCUMENTS_READ}))


@dataclass(frozen=True)
class Shelf:
    """The services' tables, and a client of a tenant."""

    ingest: asyncpg.Pool
    indexer: asyncpg.Pool
    store: Store

    async def put(self, document_id: str, version: int = 1, *, status: str = "embedded", visible: bool = True) -> None:
        """A version of ours, with a text of its own."""
        sha256 = f"{version:064x}"
        put_text = "INSERT INTO texts (tenant_id, sha256, recipe, text, page_numbers, page_starts) VALUES ('acme', $1, 'r', $2, $3, $4)"
        await self.ingest.execute(f"{put_text} ON CONFLICT DO NOTHING", sha256, f"{TEXT} {version}", [1, 3], [0, SECOND])
        await self.ingest.execute(
            "INSERT INTO documents (document_id, tenant_id, version, status, sha256) VALUES ($1, 'acme', $2, $3, $4)"
            " ON CONFLICT (document_id) DO UPDATE SET version = $2, status = $3, sha256 = $4",
            document_id, version, status, sha256,
        )  # fmt: skip
        if visible:
            await self.indexer.execute(
                "INSERT INTO documents (document_id, tenant_id, version, visible_version, visible_sha256)"
                " VALUES ($1, 'acme', $2, $2, $3) ON CONFLICT DO NOTHING",
                document_id, version, sha256,
            )  # fmt: skip

    async def get(self, document_id: str, who: Principal = OURS, *, asked: dict[str, int] | None = None) -> httpx.Response:
        """Asks for a text."""
        app = FastAPI()
        app.state.parts = SimpleNamespace(store=self.store, authenticator=OneUser(who))
        problems.add_problem_handlers(app)
        app.include_router(texts.router)
        app.add_middleware(Observed)
        async with direct(app) as http:
            return await http.get(f"/documents/{document_id}/text", params=asked or {})


@pytest.fixture
async def shelf(open_effects: OpenEffects) -> Shelf:
    """Empty tables."""
    ingest, indexer, rag = [await open_effects(service) for service in ("ingest", "indexer", "rag")]
    return Shelf(ingest.pool, indexer.pool, Store(rag))


async def test_the_part_that_is_asked_for_is_given_with_its_pages(shelf: Shelf) -> None:
    """Counted in code points, beyond accents and emoji."""
    await shelf.put("paged")

    answer = await shelf.get("paged", asked={"start": 5, "end": SECOND + 6})

    whole = {"document_id": "paged", "version": 1, "sha256": f"{1:064x}", "length": len(TEXT) + 2}
    part = {
        "start": 5,
        "end": SECOND + 6,
        "text": TEXT[5 : SECOND + 6],
        "pages": [{"number": 1, "start": 0}, {"number": 3, "start": SECOND}],
    }
    assert (answer.status_code, answer.json()) == (200, whole | part)


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [({}, 0, 2_000), ({"start": 30}, 30, 2_030), ({"start": 29_000, "end": 49_000}, 29_000, len(TEXT) + 2), ({"end": 1}, 0, 1)],
)
async def test_a_window_has_a_usual_length_and_ends_with_the_text(shelf: Shelf, asked: dict[str, int], start: int, end: int) -> None:
    """The answer tells where it ends."""
    await shelf.put("windows")

    body = (await shelf.get("windows", asked=asked)).json()

    assert (body["start"], body["end"], body["text"]) == (start, end, f"{TEXT} 1"[start:end])


async def test_only_the_second_page_is_named_where_the_text_is_on_it_alone(shelf: Shelf) -> None:
    """Its number is the document's."""
    await shelf.put("second")

    assert (await shelf.get("second", asked={"start": SECOND})).json()["pages"] == [{"number": 3, "start": SECOND}]


@pytest.mark.parametrize(
    ("asked", "code", "told"),
    [
        ({"start": 7, "end": 7}, "range_invalid", "greater than `start`"),
        ({"end": 20_001}, "range_invalid", "at most 20000"),
        ({"start": len(TEXT) + 2}, "range_invalid", f"has {len(TEXT) + 2} code points"),
        ({"start": -1}, "request_invalid", "start"),
        ({"start": 2**31}, "request_invalid", "start"),
        ({"version": 0}, "request_invalid", "version"),
    ],
)
async def test_a_range_that_cannot_be_is_refused(shelf: Shelf, asked: dict[str, int], code: str, told: str) -> None:
    """And the problem says which one can."""
    await shelf.put("ranges")

    answer = await shelf.get("ranges", asked=asked)

    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert told in answer.json()["detail"]


async def test_the_version_that_answers_cite_is_given_until_the_next_is_visible(shelf: Shelf) -> None:
    """The next one is there for who asks for it; one that never was is unknown."""
    await shelf.put("versions", 1)
    await shelf.put("versions", 2, status="embedding", visible=False)

    given = [(await shelf.get("versions", asked=asked)).json()["version"] for asked in ({}, {"version": 1}, {"version": 2})]
    unknown = await shelf.get("versions", asked={"version": 3})

    assert given == [1, 1, 2]
    assert (unknown.status_code, unknown.json()["code"]) == (404, "version_unknown")


async def test_a_document_without_a_text_yet_says_how_far_it_is(shelf: Shelf) -> None:
    """It is known, and queued or parsed."""
    await shelf.ingest.execute("INSERT INTO documents (document_id, tenant_id, version, status) VALUES ('raw', 'acme', 1, 'parsing')")

    answer = await shelf.get("raw")

    assert (answer.status_code, answer.json()["code"]) == (404, "version_unknown")
    assert "parsing" in answer.json()["detail"]


async def test_a_deleted_document_has_no_text_from_that_moment_on(shelf: Shelf) -> None:
    """Whether rag alone knows of the delete, or ingest too; the index still shows it."""
    for name, by in (("told", "rag"), ("heard", "ingest")):
        await shelf.put(name)
        await _delete(shelf, name, by)

    answers = [await shelf.get(name, asked=asked) for name in ("told", "heard") for asked in ({}, {"version": 1})]

    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(404, "document_unknown")] * 4


async def test_nothing_is_given_to_other_tenants_or_without_the_scope(shelf: Shelf) -> None:
    """What another tenant has is as unknown as what nobody has."""
    await shelf.put("ours")

    other, no_reader = Principal("other", "k2", OURS.scopes), Principal("acme", "k3", frozenset({Scope.QUERY}))

    theirs, nobodys, unscoped = await shelf.get("ours", other), await shelf.get("none"), await shelf.get("ours", no_reader)

    assert [one.json()["code"] for one in (theirs, nobodys, unscoped)] == ["document_unknown", "document_unknown", "scope_missing"]
    assert theirs.json()["detail"] == nobodys.json()["detail"].replace("none", "ours")


async def test_the_same_content_is_another_text_for_another_tenant(shelf: Shelf) -> None:
    """Who has it too learns nothing of our document, and nothing of theirs comes to us."""
    other, sha256 = Principal("aaa", "k2", OURS.scopes), f"{9:064x}"
    theirs = "INSERT INTO texts (tenant_id, sha256, recipe, text, page_numbers, page_starts) VALUES ('aaa', $1, 'r', 'Theirs.', '{}', '{}')"
    await shelf.ingest.execute(theirs, sha256)
    await shelf.put("shared", 9)
    await shelf.put("coming", 9, visible=False)

    for name in ("shared", "coming"):
        assert (await shelf.get(name, asked={"end": 4})).json()["text"] == TEXT[:4]
        assert (await shelf.get(name, other)).json()["code"] == "document_unknown"


async def _delete(shelf: Shelf, document_id: str, by: str) -> None:
    if by == "ingest":
        await shelf.ingest.execute(
            "UPDATE documents SET status = 'deleted', version = 2, deleted_below = 2 WHERE document_id = $1", document_id
        )
        return
    await shelf.store.effects.pool.execute(
        "INSERT INTO uploads (document_id, tenant_id, version, deleted, deleted_below, title, media_type, uri, sha256, bytes)"
        " VALUES ($1, 'acme', 2, true, 2, 't', 'text/plain', '', '', 1)",
        document_id,
    )
