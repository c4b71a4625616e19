"""rag over HTTP: versions are pinned, answers read whole, and every failure is of the kind that says what becomes of the case."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from contracts.queries import NamedVersion
from kit.clock import SystemClock
from kit.errors import DependencyDown, Permanent, Transient, WorkbenchError
from services.evaluator.http_rag import HttpRag
from services.evaluator.rag import TIMEOUT, Refused

VARIANT = NamedVersion(name="default", version="3")
ANSWER = {
    "answer_id": "01a19b8a-7238-7b17-b6d1-9c7a5b1ee83b",
    "answer": "Fourteen days [1].",
    "abstained": False,
    "citations": [{"marker": 1, "document_id": "law", "start": 4, "end": 17, "quote": "fourteen days"}],
    "contexts": [{"document_id": "law", "start": 0, "end": 20, "text": "In fourteen days ...", "score": 0.5, "title": "Law"}],
    "provider": "p",
    "model": "m",
    "prompt": {"name": "grounded-answer", "version": "2"},
    "variant": {"name": "default", "version": "3"},
    "usage": {"input_tokens": 7, "output_tokens": 5, "cost_usd": None},
    "timings_ms": {"total": 12.5},
    "degraded": [],
    "cached": False,
    "trace_id": None,
}

Handler = Callable[[httpx2.Request], httpx2.Response]


def rag(handler: Handler) -> HttpRag:
    """One that `handler` answers for."""
    return HttpRag(httpx2.AsyncClient(base_url="http://rag", transport=httpx2.MockTransport(handler), timeout=3), SystemClock())


def problem(status: int, code: str, **headers: str) -> Handler:
    """Every request is refused."""
    return lambda _: httpx2.Response(status, json={"code": code, "detail": "do this"}, headers=headers)


def registry(request: httpx2.Request) -> httpx2.Response:
    """A variant whose label production is at version 3, and canary at two."""
    said: dict[str, Any] = {
        "/variants/default": {"labels": {"production": {"3": 1.0}, "canary": {"3": 0.5, "4": 0.5}, "moved": {"2": 0.0, "3": 1.0}}},
        "/variants/default/versions/3": {"name": "default", "version": 3, "sha256": "b" * 64, "definition": {"prompt": "say@live"}},
        "/prompts/say": {"labels": {"live": {"8": 1.0}}},
        "/prompts/say/versions/8": {"name": "say", "version": 8, "sha256": "c" * 64, "definition": {}},
        "/generations": {"generations": [{"generation": "g1", "state": "kept"}, {"generation": "g2", "state": "active"}]},
    }
    if request.url.path in said:
        return httpx2.Response(200, json=said[request.url.path])
    return httpx2.Response(404, json={"code": "version_unknown", "detail": "there is no such version"})


async def test_an_answer_is_read_whole() -> None:
    """With what it was written from, and what it took."""
    answer = await rag(lambda _: httpx2.Response(200, json=ANSWER)).ask("How long?", VARIANT)

    assert (answer.text, answer.variant, answer.prompt.version, answer.cost_usd) == ("Fourteen days [1].", VARIANT, "2", None)
    assert (answer.citations[0].quote, answer.passages[0].document_id, answer.passages[0].end) == ("fourteen days", "law", 20)
    assert answer.latency_ms > 0


async def test_it_is_asked_for_a_new_answer_by_that_version_on_behalf_of_a_tenant_and_a_run() -> None:
    """Nothing remembered; and the run pays."""
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200, json=ANSWER)

    await rag(answer).on_behalf("acme", "run-7").ask("How long?", VARIANT)

    [request] = seen
    assert request.read() == b'{"question":"How long?","variant":"default@3"}'
    assert [request.headers[name] for name in ("cache-control", "x-workbench-tenant", "x-workbench-run")] == ["no-store", "acme", "run-7"]


@pytest.mark.parametrize("reference", ["default", "default@production", "default@moved", "default@3"])
async def test_a_reference_is_pinned_with_its_prompt_and_its_index(reference: str) -> None:
    """Under the hashes of what they say."""
    pinned = await rag(registry).pin(reference)

    assert (pinned.variant, pinned.sha256, pinned.index_generation) == (VARIANT, "b" * 64, "g2")
    assert (pinned.prompt.name, pinned.prompt.version, pinned.prompt.sha256) == ("say", "8", "c" * 64)


@pytest.mark.parametrize(
    ("reference", "code", "says"),
    [
        ("default@9", "variant_unknown", "no such version"),
        ("other", "variant_unknown", "other"),
        ("default@staging", "variant_unknown", "canary, moved, production"),
        ("default@canary", "variant_not_pinned", "default@3"),
    ],
)
async def test_what_stands_for_no_single_version_is_refused(reference: str, code: str, says: str) -> None:
    """And it is said what would."""
    with pytest.raises(Permanent, match=says) as raised:
        await rag(registry).pin(reference)

    assert raised.value.code == code


@pytest.mark.parametrize(
    ("handler", "kind", "code"),
    [
        (problem(422, "prompt_too_long"), Refused, "prompt_too_long"),
        (problem(402, "budget_spent"), Refused, "budget_spent"),
        (problem(502, "llm_key_refused"), Refused, "llm_key_refused"),
        (problem(401, "key_missing"), Permanent, "rag_key_refused"),
        (problem(403, "scope_missing"), Permanent, "rag_key_refused"),
        (problem(429, "budget_exceeded"), Transient, "budget_exceeded"),
        (problem(500, "internal_error"), Transient, "internal_error"),
        (problem(504, "deadline_passed"), Transient, "deadline_passed"),
        (problem(503, "vector_store_down"), DependencyDown, "rag_down"),
        (lambda _: httpx2.Response(502, html="<h1>Bad Gateway</h1>"), DependencyDown, "rag_down"),
        (lambda _: httpx2.Response(503, html="<h1>No server</h1>"), DependencyDown, "rag_down"),
    ],
    ids=["refused", "spent", "provider", "no key", "no scope", "exceeded", "defect", "deadline", "down", "proxy", "no server"],
)
async def test_a_failure_has_its_kind(handler: Handler, kind: type[WorkbenchError], code: str) -> None:
    """One question's, this moment's, or everybody's."""
    with pytest.raises(WorkbenchError) as raised:
        await rag(handler).ask("How long?", VARIANT)

    assert (type(raised.value), raised.value.code) == (kind, code)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("llm_rate_limited", Transient),
        ("llm_failed", Transient),
        ("llm_answer_invalid", Transient),
        ("llm_answer_cut", Transient),
        ("llm_timeout", Transient),
        ("gateway_busy", Transient),
        ("embedding_failed", Transient),
        ("rerank_order_invalid", Transient),
        ("postgres_conflict", Transient),
        ("llm_breaker_open", DependencyDown),
        ("llm_unreachable", DependencyDown),
        ("generations_missing", DependencyDown),
        ("postgres_down", DependencyDown),
    ],
)
async def test_one_answer_that_fails_is_told_from_a_rag_that_cannot_answer(code: str, kind: type[WorkbenchError]) -> None:
    """Both are a 503; the first is that case's own, and at last its error."""
    with pytest.raises(WorkbenchError) as raised:
        await rag(problem(503, code)).ask("How long?", VARIANT)

    assert (type(raised.value), raised.value.code) == (kind, code if kind is Transient else "rag_down")


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.Response(200, html="<h1>Welcome</h1>"),
        httpx2.Response(200, json={"detail": "ok"}),
        httpx2.Response(200, json=[]),
        httpx2.Response(200, json={"embeddings": [[1.0], [2.0]]}),
    ],
    ids=["no JSON", "nothing", "a list", "too many"],
)
async def test_an_answer_that_is_none_fails_like_any_other(answer: httpx2.Response) -> None:
    """Something else stands at the address."""
    other = rag(lambda _: answer)

    for work in (other.embed(["a"]), other.ask("How long?", VARIANT), other.pin("default")):
        with pytest.raises(Transient) as raised:
            await work

        assert raised.value.code == "rag_answer_invalid"


async def test_a_pause_that_is_asked_for_is_known() -> None:
    """Nobody is asked again sooner."""
    with pytest.raises(Transient) as raised:
        await rag(problem(429, "budget_exceeded", **{"retry-after": "17"})).ask("How long?", VARIANT)

    assert raised.value.after_s == 17


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (httpx2.ConnectError("refused"), DependencyDown, "rag_down"),
        (httpx2.ConnectTimeout("silent"), DependencyDown, "rag_down"),
        (httpx2.RemoteProtocolError("gone"), DependencyDown, "rag_down"),
        (httpx2.ReadTimeout("slow"), Transient, TIMEOUT),
    ],
    ids=["refused", "silent", "gone", "slow"],
)
async def test_silence_is_told_from_slowness(error: httpx2.HTTPError, kind: type[WorkbenchError], code: str) -> None:
    """A rag that is away holds everything, a slow answer is that question's own."""

    def fail(_: httpx2.Request) -> httpx2.Response:
        raise error

    with pytest.raises(WorkbenchError) as raised:
        await rag(fail).ask("How long?", VARIANT)

    assert (type(raised.value), raised.value.code) == (kind, code)
