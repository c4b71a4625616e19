"""API keys over HTTP: what they open, what they do not, and how they end."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import Workbench
from tests.e2e.keys import holding, made, of_tenant

FREE = {"/health", "/livez", "/readyz", "/version", "/metrics"}
# Whether the scope is prompts:write or prompts:promote, the label says: they ask when they have read the request.
BY_LABEL = {f"/{kind}/{{name}}/labels/{{label}}{end}" for kind in ("prompts", "variants") for end in ("", "/rollback")}


def codes(*answers: httpx.Response) -> list[tuple[int, str]]:
    """Status and code of each problem."""
    return [(answer.status_code, answer.json()["code"]) for answer in answers]


async def test_every_route_asks_for_a_scope(workbench: Workbench) -> None:
    """Of two keys that have one scope each, none in common, at least one is refused anywhere, before a body is looked at."""
    paths = (await workbench.http.get("/openapi.json")).json()["paths"]
    routes = [(method, path) for path, methods in paths.items() if path not in FREE | BY_LABEL for method in methods]
    keys = [(await made(workbench, scope))["key"] for scope in ("feedback:write", "evals:write")]

    async def refused(method: str, path: str, key: str) -> bool:
        headers = {"authorization": f"Bearer {key}"}
        answer = await workbench.http.request(method, path, headers=headers, json={} if method in ("post", "put", "patch") else None)
        return answer.status_code == 403 and answer.json()["code"] == "scope_missing"

    open_to_all = [route for route in routes if not any([await refused(*route, key) for key in keys])]

    assert len(routes) >= 20
    assert open_to_all == []


async def test_a_scope_opens_its_routes_alone(workbench: Workbench) -> None:
    """Who may read may not write; the problem names the scope."""
    async with of_tenant(workbench, "readers", "documents:read") as reader:
        listed = await reader.http.get("/documents")
        written = await reader.upload("a.txt", b"text")
        searched = await reader.http.post("/search", json={"query": "x"})

    assert listed.status_code == 200
    assert codes(written, searched) == [(403, "scope_missing")] * 2
    assert "documents:write" in written.json()["detail"]


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer nonsense", "Basic d2I6d2I=", f"Bearer wb_{'0' * 32}_{'0' * 64}", "Bearer wb_\u00e9_\u00e9", "wb_1_2"],
)
async def test_what_is_no_key_is_refused(workbench: Workbench, header: str) -> None:
    """Even where none is asked for: nobody should believe that a wrong key works."""
    answer = await workbench.http.get("/documents", headers={b"authorization": header.encode("latin-1")})

    assert codes(answer) == [(401, "key_invalid")]
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_the_id_of_a_key_with_another_secret_is_refused(workbench: Workbench) -> None:
    """The id is no secret."""
    ours, other = [(await made(workbench, "documents:read"))["key"] for _ in range(2)]

    async with holding(workbench, ours.rpartition("_")[0] + "_" + other.rpartition("_")[2]) as forger:
        assert codes(await forger.http.get("/documents")) == [(401, "key_invalid")]


async def test_a_revoked_key_is_refused_within_seconds(workbench: Workbench) -> None:
    """Though it was used a moment ago; revoking it again changes nothing."""
    created = await made(workbench, "documents:read")
    async with holding(workbench, created["key"]) as holder:
        before = await holder.http.get("/documents")
        ended = await workbench.http.delete(f"/keys/{created['key_id']}")
        again = await workbench.http.delete(f"/keys/{created['key_id']}")
        after = await holder.http.get("/documents")

    assert (before.status_code, ended.status_code) == (200, 200)
    assert codes(after) == [(401, "key_invalid")]
    assert again.json() == ended.json()


async def test_an_expired_key_is_refused(workbench: Workbench) -> None:
    """At its second, whatever is cached."""
    ends = datetime.now(UTC) + timedelta(seconds=5)
    created = await made(workbench, "documents:read", expires_at=ends.isoformat())
    async with holding(workbench, created["key"]) as holder:
        before = await holder.http.get("/documents")
        await asyncio.sleep((ends - datetime.now(UTC)).total_seconds() + 0.01)

        assert before.status_code == 200
        assert codes(await holder.http.get("/documents")) == [(401, "key_invalid")]


async def test_a_secret_is_shown_once_and_stored_nowhere(workbench: Workbench) -> None:
    """Lists have no secret, the database has its hash."""
    created = await made(workbench, "query", tenant_id="secretive")
    secret = created["key"].rpartition("_")[2]

    listed = (await workbench.http.get("/keys", params={"limit": 1000})).text
    rows = await workbench.fetch("SELECT k::text FROM rag.keys k UNION ALL SELECT a::text FROM rag.audit a")

    assert created["key_id"] in listed
    assert secret not in listed
    assert [row for row in rows if secret in row[0]] == []


async def test_a_key_gives_no_more_than_it_has(workbench: Workbench) -> None:
    """Neither a scope, nor another tenant; it sees and ends the keys of its own tenant alone."""
    stranger = await made(workbench, "query", tenant_id="strangers")
    async with of_tenant(workbench, "admins", "keys:admin", "query") as admin:
        fine = await made(admin, "query")
        more = await admin.http.post("/keys", json={"name": "n", "scopes": ["query", "prompts:promote"]})
        other = await admin.http.post("/keys", json={"name": "n", "scopes": ["query"], "tenant_id": "strangers"})
        listed = (await admin.http.get("/keys")).json()["keys"]
        ended = await admin.http.delete(f"/keys/{stranger['key_id']}")
        audited = (await admin.http.get("/audit")).json()["entries"]

    assert fine["tenant_id"] == "admins"
    assert codes(more, other, ended) == [(403, "scope_missing"), (403, "scope_missing"), (404, "key_unknown")]
    assert {key["tenant_id"] for key in listed} == {entry["tenant_id"] for entry in audited} == {"admins"}


async def test_each_change_is_in_the_audit_trail(workbench: Workbench) -> None:
    """Who did it: nobody asked for a key here."""
    created = await made(workbench, "query", "generate")
    await workbench.http.delete(f"/keys/{created['key_id']}")

    entries = (await workbench.http.get("/audit", params={"limit": 2})).json()["entries"]

    assert [(entry["action"], entry["subject"], entry["actor"]) for entry in entries] == [
        ("key.revoked", created["key_id"], None),
        ("key.created", created["key_id"], None),
    ]
    assert entries[0]["detail"] == {"name": "test", "scopes": ["generate", "query"]}


@pytest.mark.parametrize(
    "fields",
    [
        {"name": ""},
        {"scopes": []},
        {"scopes": ["everything"]},
        {"tenant_id": "a/b"},
        {"expires_at": "2026-01-01T00:00:00"},
        {"admin": True},
    ],
)
async def test_a_key_that_makes_no_sense_is_refused(workbench: Workbench, fields: dict[str, Any]) -> None:
    """With the field's name."""
    answer = await workbench.http.post("/keys", json={"name": "n", "scopes": ["query"], **fields})

    assert codes(answer) == [(422, "request_invalid")]
    assert next(iter(fields)) in answer.json()["detail"]


async def test_a_key_that_has_ended_already_is_refused(workbench: Workbench) -> None:
    """It would be of no use."""
    body = {"name": "n", "scopes": ["query"], "expires_at": "2020-01-01T00:00:00Z"}

    assert codes(await workbench.http.post("/keys", json=body)) == [(422, "key_expiry_past")]
