"""Bad requests are answered with problem+json that says what to do; bad documents end as failed with the reason."""

from typing import Any

import pytest

from tests.e2e.conftest import Workbench

QUESTION = "/rag/query"


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        (QUESTION, b"{not json", 422, "request_invalid"),
        (QUESTION, b'{"question": "ok?", "surprise": 1}', 422, "request_invalid"),
        (QUESTION, b'{"question": ""}', 422, "request_invalid"),
        (QUESTION, b'{"question": "  \\n "}', 422, "request_invalid"),
        (QUESTION, b'{"question": "' + b"a" * 20_000 + b'"}', 422, "request_invalid"),
        (QUESTION, b'{"question": "NUL \\u0000"}', 422, "request_invalid"),
        (QUESTION, b'{"question": "ok?", "top_k": 0}', 422, "request_invalid"),
        (QUESTION, b'{"question": "ok?", "variant": "no-such"}', 422, "variant_unknown"),
        (QUESTION, b'{"question": "ok?", "filter": {"colour": "red"}}', 422, "request_invalid"),
        ("/search", b'{"query": ""}', 422, "request_invalid"),
        ("/embed", b'{"texts": []}', 422, "request_invalid"),
        ("/ingest", b"{not json", 422, "request_invalid"),
        ("/ingest", b"[" * 100_000, 422, "request_invalid"),
        ("/ingest", b'{"text": "x", "title": "a\\u0000b"}', 422, "request_invalid"),
        ("/ingest", b'{"text": "", "title": "t"}', 422, "request_invalid"),
        ("/ingest", b'{"text": "x", "title": "t", "owner": "me"}', 422, "request_invalid"),
        ("/ingest", b'{"text": "x", "title": "t", "media_type": "video/mp4"}', 415, "media_type_unsupported"),
        ("/ingest", b'{"text": "x", "title": "t", "document_id": "a/b"}', 422, "request_invalid"),
        ("/nowhere", b"{}", 404, "not_found"),
    ],
)
async def test_a_bad_request_is_told_what_is_wrong(workbench: Workbench, path: str, body: bytes, status: int, code: str) -> None:
    """RFC 9457, with a code and the request's id."""
    answer = await workbench.http.post(path, content=body, headers={"content-type": "application/json", "x-request-id": "req-7"})

    problem = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert (problem["code"], problem["status"], problem["request_id"]) == (code, status, "req-7")
    assert answer.headers["x-request-id"] == "req-7"
    assert problem["detail"]


@pytest.mark.parametrize(
    ("name", "data", "fields", "status", "code"),
    [
        ("film.mp4", b"\x00\x01", {}, 415, "media_type_unsupported"),
        ("empty.txt", b"", {}, 422, "document_empty"),
        ("big.txt", b"a" * (26 * 1024 * 1024), {}, 413, "document_too_large"),
        ("a.txt", b"text", {"colour": "red"}, 422, "request_invalid"),
        ("a.txt", b"text", {"metadata": "not json"}, 422, "request_invalid"),
        ("a.txt", b"text", {"metadata": '{"nested": {"a": 1}}'}, 422, "request_invalid"),
    ],
)
async def test_a_file_that_cannot_be_taken_is_refused(
    workbench: Workbench, name: str, data: bytes, fields: dict[str, str], status: int, code: str
) -> None:
    """Before anything is stored."""
    answer = await workbench.upload(name, data, **fields)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize("path", ["/ingest", QUESTION, "/search"])
async def test_a_body_of_unknown_length_is_cut_off_at_the_limit(workbench: Workbench, path: str) -> None:
    """Chunked transfer tells no length in advance."""

    async def endless() -> Any:
        for _ in range(40):
            yield b"a" * 1024 * 1024

    answer = await workbench.http.post(path, content=endless(), headers={"content-type": "application/json"})

    assert (answer.status_code, answer.json()["code"]) == (413, "document_too_large")


async def test_other_content_types_are_refused(workbench: Workbench) -> None:
    """A body that is neither a form nor JSON."""
    answer = await workbench.http.post("/ingest", content=b"hello", headers={"content-type": "text/plain"})

    assert (answer.status_code, answer.json()["code"]) == (415, "media_type_unsupported")


async def test_an_unknown_document_is_not_found(workbench: Workbench) -> None:
    """For status and delete alike."""
    asked, deleted = await workbench.http.get("/documents/nobody"), await workbench.http.delete("/documents/nobody")

    assert {asked.status_code, deleted.status_code} == {404}
    assert asked.json()["code"] == deleted.json()["code"] == "document_unknown"


async def test_health_tells_of_each_dependency(workbench: Workbench) -> None:
    """And the metrics are there."""
    ready = await workbench.ready()
    metrics = await workbench.http.get("/metrics")

    assert ready == dict.fromkeys(["postgres", "kafka", "redis", "vectors"], "ok")
    assert (await workbench.http.get("/livez")).json()["status"] == (await workbench.http.get("/health")).json()["status"] == "ok"
    assert (await workbench.http.get("/version")).json()["models"]["embedding"]
    assert "workbench_events_total" in metrics.text
