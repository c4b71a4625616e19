"""POST /generate: what is asked reaches the model, what it says reaches the client, at once, and who leaves ends the call."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

import httpx
import pytest
import structlog

from kit.errors import DependencyDown, Permanent, Transient
from kit.fakes.llm import Broken, Line, ScriptedLLM
from kit.ports.llm import Completion, CompletionRequest, Message, ModelRef, Purpose, Role
from services.rag.api import generate_schemas as limits
from services.rag.principal import Principal, Scope
from tests.unit.rag.served import Event, app_over, direct, events, serving

SAID = "Refunds are paid within 14 days."
WITHIN_S = 60
ALICE = Principal("alices", "k1", frozenset({Scope.GENERATE}))


class Prompted(ScriptedLLM):
    """Says each piece, and that it is done, only when it is told to `go` on."""

    def __init__(self, line: str) -> None:
        super().__init__([line])
        self.go = asyncio.Semaphore(0)

    async def stream(self, request: CompletionRequest) -> AsyncGenerator[str | Completion, None]:
        async with aclosing(super().stream(request)) as pieces:
            async for piece in pieces:
                await self.go.acquire()
                yield piece


def llm_of(*lines: Line, takes_s: float = 0.0) -> ScriptedLLM:
    """A model with these lines."""
    return ScriptedLLM(lines or (SAID,), takes_s=takes_s)


async def ask(llm: ScriptedLLM, who: Principal = ALICE, **body: Any) -> httpx.Response:
    """POST /generate."""
    async with direct(app_over(llm, who)) as http:
        return await http.post("/generate", json={"prompt": "When?", **body}, headers={"x-request-id": "req-7"})


async def streamed(llm: ScriptedLLM) -> list[Event]:
    """All events of a streamed answer."""
    async with serving(app_over(llm, ALICE, WITHIN_S)) as http:
        headers = {"x-request-id": "req-7"}
        async with http.stream("POST", "/generate", json={"prompt": "When?", "stream": True}, headers=headers) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            return [one async for one in events(response)]


async def eventually(holds: Callable[[], bool]) -> None:
    """Waits for it."""
    async with asyncio.timeout(WITHIN_S):
        while not holds():
            await asyncio.sleep(0.01)


async def test_an_answer_tells_who_wrote_it_and_what_it_took() -> None:
    """With the id of the request, which is in the header as well."""
    answer = await ask(llm_of())

    body = answer.json()
    assert (answer.status_code, body["text"], body["finish_reason"]) == (200, SAID, "stop")
    assert (body["provider"], body["model"], body["failovers"]) == ("scripted", "script", [])
    assert body["usage"] == {"input_tokens": 1, "output_tokens": 6, "cost_usd": 0.0}
    assert body["request_id"] == answer.headers["x-request-id"] == "req-7"
    assert body["timings_ms"]["total"] > 0


async def test_everything_that_is_asked_reaches_the_model() -> None:
    """On the account of whoever asks."""
    llm, schema = llm_of(), {"type": "object", "properties": {"days": {"type": "integer"}}}
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "When?"}]
    wishes = {"max_tokens": 7, "temperature": 0.5, "stop": ["\n"], "seed": 3, "response_schema": schema}

    await ask(llm, prompt=None, messages=messages, model="big", **wishes)

    [request] = llm.requests
    assert request.messages == (Message(Role.SYSTEM, "Be brief."), Message(Role.USER, "When?"))
    assert (request.max_tokens, request.temperature, request.stop, request.seed) == (7, 0.5, ("\n",), 3)
    assert (request.response_schema, request.models, request.grounding) == (schema, (ModelRef("scripted", "big"),), None)
    caller = request.caller
    assert (caller.request_id, caller.tenant_id, caller.key_id, caller.purpose) == ("req-7", "alices", "k1", Purpose.GENERATE)


async def test_a_streamed_answer_comes_in_pieces_and_then_whole() -> None:
    """Joined, the pieces are the text."""
    (started, *pieces, completed) = await streamed(llm_of())

    assert (started[0], completed[0], {name for name, _ in pieces}) == ("generate.started", "generate.completed", {"generate.delta"})
    assert "".join(piece["text"] for _, piece in pieces) == completed[1]["text"] == SAID
    assert started[1]["request_id"] == completed[1]["request_id"] == "req-7"
    assert 0 < completed[1]["timings_ms"]["first_token"] <= completed[1]["timings_ms"]["total"]
    assert completed[1]["usage"]["output_tokens"] == 6


async def test_pieces_are_sent_as_they_come() -> None:
    """Nothing on the way collects them: each is here before the next is said."""
    llm, body, arrived = Prompted(SAID), {"prompt": "When?", "stream": True}, 0
    llm.go.release()
    async with serving(app_over(llm)) as http, http.stream("POST", "/generate", json=body) as response:
        async for name, _ in events(response):
            if name == "generate.delta":
                arrived += 1
                llm.go.release()

    assert arrived == 6


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_leaves_ends_the_call(stream: bool) -> None:
    """While the first piece is awaited."""
    llm = llm_of(takes_s=10 * WITHIN_S)
    async with serving(app_over(llm)) as http:
        client = asyncio.create_task(http.post("/generate", json={"prompt": "When?", "stream": stream}))
        await eventually(lambda: len(llm.requests) == 1)
        client.cancel()
        await eventually(lambda: llm.abandoned == 1)

    assert client.cancelled()


async def test_a_client_that_leaves_in_the_middle_ends_the_call() -> None:
    """No further piece is asked for."""
    llm = llm_of(" ".join(["word"] * 1000), takes_s=0.02)
    async with serving(app_over(llm)) as http:
        async with http.stream("POST", "/generate", json={"prompt": "When?", "stream": True}) as response:
            async for name, _ in events(response):
                if name == "generate.delta":
                    break
        await eventually(lambda: llm.abandoned == 1)


ERRORS = [
    (Permanent("grounding_missing", "configure another LLM provider"), 501),
    (Permanent("llm_request_refused", "too long"), 502),
    (Transient("llm_rate_limited", "wait", after_s=6.5), 503),
    (DependencyDown("llm_down", "nobody answers"), 503),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("error", "status"), ERRORS)
async def test_an_error_before_the_first_piece_is_a_problem(error: Any, status: int, stream: bool) -> None:
    """With a status of its own, streamed or not."""
    answer = await ask(llm_of(error), stream=stream)

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert (answer.json()["code"], answer.json()["detail"]) == (error.code, error.message)
    assert answer.headers.get("retry-after") == (None if status != 503 else "7" if error.after_s else "1")


async def test_an_error_after_the_first_piece_is_an_event() -> None:
    """The same problem; nothing is completed."""
    *_, delta, error = await streamed(llm_of(Broken("Refunds are", DependencyDown("llm_down", "nobody answers"))))

    assert (delta[0], error[0]) == ("generate.delta", "error")
    assert (error[1]["code"], error[1]["status"], error[1]["request_id"]) == ("llm_down", 503, "req-7")


async def test_a_model_that_thinks_long_is_not_taken_for_dead() -> None:
    """The answer begins after one heartbeat; proxies see another one now and then."""
    llm, body, names = Prompted("Yes"), {"prompt": "When?", "stream": True}, []
    async with serving(app_over(llm, heartbeat_s=0.1)) as http, http.stream("POST", "/generate", json=body) as response:
        async for name, _ in events(response):
            names.append(name)
            if name == "":
                llm.go.release()

    assert names[:2] == ["generate.started", ""]
    assert [name for name in names if name] == ["generate.started", "generate.delta", "generate.completed"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"prompt": None}, "either `messages` or `prompt`"),
        ({"messages": [{"role": "user", "content": "x"}]}, "either `messages` or `prompt`"),
        ({"prompt": " \n"}, "prompt"),
        ({"prompt": "NUL \x00"}, "prompt"),
        ({"prompt": "a" * (limits.MAX_CHARS + 1)}, "prompt"),
        ({"prompt": None, "messages": []}, "messages"),
        ({"prompt": None, "messages": [{"role": "robot", "content": "x"}]}, "messages.0.role"),
        ({"prompt": None, "messages": [{"role": "user", "content": ""}]}, "messages.0.content"),
        ({"prompt": None, "messages": [{"role": "system", "content": "x"}]}, "`messages` need one whose role is user"),
        ({"prompt": None, "messages": [{"role": "user", "content": "x"}] * (limits.MAX_MESSAGES + 1)}, "messages"),
        ({"prompt": None, "messages": [{"role": "user", "content": "x" * limits.MAX_CHARS}] * 2}, "characters together"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": limits.MAX_TOKENS + 1}, "max_tokens"),
        ({"temperature": 2.1}, "temperature"),
        ({"stop": [""]}, "stop.0"),
        ({"stop": list("abcde")}, "stop"),
        ({"seed": -1}, "seed"),
        ({"response_schema": []}, "response_schema"),
        ({"response_schema": {"description": "a" * limits.MAX_SCHEMA_CHARS}}, "response_schema"),
        ({"tools": []}, "tools"),
    ],
)
async def test_a_request_that_makes_no_sense_is_refused_before_any_call(body: dict[str, Any], told: str) -> None:
    """The problem names the field."""
    llm = llm_of()

    answer = await ask(llm, **body)

    assert (answer.status_code, answer.json()["code"], llm.requests) == (422, "request_invalid", [])
    assert told in answer.json()["detail"]


async def test_a_provider_without_a_model_is_refused_unless_it_is_the_one_of_the_settings() -> None:
    """Nobody knows which model was meant."""
    llm = llm_of()

    assert (await ask(llm, provider="elsewhere")).json()["code"] == "llm_model_missing"
    assert (await ask(llm, provider="elsewhere", model="m")).status_code == (await ask(llm, provider="scripted")).status_code == 200
    assert [request.models for request in llm.requests] == [(ModelRef("elsewhere", "m"),), (ModelRef("scripted", "script"),)]


async def test_only_the_scope_generate_opens_the_route() -> None:
    """Who may ask for answers from documents may not write freely for that."""
    answer = await ask(llm_of(), Principal("alices", "k1", frozenset({Scope.QUERY})))

    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


@pytest.mark.parametrize("stream", [False, True])
async def test_a_line_of_the_log_tells_of_each_call(stream: bool) -> None:
    """With the request's id and whose it was, without what was said."""
    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as lines:
        await ask(llm_of(), stream=stream)

    [line] = [line for line in lines if line["event"] == "text.generated"]
    assert (line["request_id"], line["tenant_id"], line["key_id"]) == ("req-7", "alices", "k1")
    assert SAID not in str(line)
