"""POST /generate of a whole stack whose language model is a server on this machine that speaks OpenAI's wire format."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.e2e.conftest import Workbench
from tests.ports.model_server import ModelServer, model_server
from tests.ports.wire.script import REPLY
from tests.unit.rag.served import events

WITHIN_S = 60


@dataclass(frozen=True)
class Writing:
    """A running stack and the model that writes for it."""

    folder: Path
    http: httpx.AsyncClient
    models: ModelServer

    def streamed(self, **body: Any) -> Any:
        """POST /generate with `stream`."""
        return self.http.stream("POST", "/generate", json={"prompt": "When?", "stream": True, **body})

    async def generate(self, **body: Any) -> httpx.Response:
        """POST /generate."""
        return await self.http.post("/generate", json=body)

    def log(self) -> list[dict[str, Any]]:
        """The lines of the services' log."""
        lines = (self.folder / ".workbench" / "logs" / "services.log").read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]


@pytest.fixture(scope="module")
def models() -> Iterator[ModelServer]:
    """The server of the language model."""
    with model_server() as running:
        yield running


@pytest.fixture(scope="module")
def folder(models: ModelServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """Where a stack runs that asks it, and the stack's address."""
    folder = tmp_path_factory.mktemp("writing")
    llm = {"PROVIDER": "openai", "OPENAI_API_KEY": "sk-test", "OPENAI_BASE_URL": models.url, "OPENAI_MODEL": "babbles"}
    env = {**os.environ, **{f"RAG_LLM__{name}": value for name, value in llm.items()}}
    with subprocess.Popen(
        [sys.executable, "-m", "workbench", "up", "--json"], cwd=folder, env=env, stdout=subprocess.PIPE, text=True
    ) as up:
        try:
            assert up.stdout
            yield folder, json.loads(up.stdout.readline())["http"]
        finally:
            up.send_signal(signal.SIGINT)


@pytest.fixture
async def writing(models: ModelServer, folder: tuple[Path, str]) -> AsyncIterator[Writing]:
    """The stack, with nothing asked yet."""
    models.forget()
    async with httpx.AsyncClient(base_url=folder[1], timeout=60) as http:
        yield Writing(folder[0], http, models)


async def eventually(holds: Callable[[], bool]) -> None:
    """Waits for it."""
    async with asyncio.timeout(WITHIN_S):
        while not holds():
            await asyncio.sleep(0.02)


async def test_an_answer_comes_from_the_model_of_the_settings(writing: Writing) -> None:
    """With what it took and its trace."""
    answer = (await writing.generate(messages=[{"role": "user", "content": "When?"}], max_tokens=20)).json()

    assert (answer["text"], answer["provider"], answer["finish_reason"]) == (REPLY, "openai", "stop")
    assert answer["usage"]["output_tokens"] == 5
    assert len(answer["trace_id"]) == 32
    assert [message["content"] for message in writing.models.bodies[0]["messages"]] == ["When?"]


async def test_tokens_are_shown_as_they_come_and_a_client_that_leaves_stops_the_provider(writing: Writing) -> None:
    """The model would go on for ten seconds; its server sees the call end soon after the client left."""
    shown = []
    async with writing.streamed() as response:
        async for name, data in events(response):
            shown += [data["text"]] if name == "generate.delta" else []
            if len(shown) == 20:
                break
        left_while_open = list(writing.models.left)

    await eventually(lambda: writing.models.left == ["babbles"])
    assert (shown[0], shown[1], left_while_open) == ("Within", " again", [])


async def test_curl_shows_tokens_as_they_come(writing: Writing) -> None:
    """As somebody tries it who reads the documentation."""
    body = json.dumps({"prompt": "When?", "stream": True})
    command = ["curl", "--silent", "--no-buffer", "--json", body, f"{writing.http.base_url}/generate"]
    curl = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    assert curl.stdout
    said = b""
    while said.count(b"event: generate.delta") <= 20 and (shown := await curl.stdout.read(1000)):
        said += shown
    left_while_open = list(writing.models.left)
    curl.terminate()
    await curl.communicate()

    assert said.startswith(b"event: generate.started\ndata: {")
    assert said.count(b"event: generate.delta") > 20
    await eventually(lambda: writing.models.left == ["babbles"])
    assert left_while_open == []


async def test_a_prompt_of_the_registry_is_rendered_and_named(writing: Writing) -> None:
    """By version; the model gets its text."""
    template = {"template": "Say {{ word }}.", "variables": {"word": {"type": "string", "maxLength": 10}}}
    created = await writing.http.post("/prompts", json={"name": "echo", "message": "first", **template})

    answer = await writing.generate(prompt={"name": "echo", "version": 1, "variables": {"word": "yes"}})

    assert (created.status_code, answer.status_code) == (201, 200), answer.text
    assert answer.json()["prompt"] == {"name": "echo", "version": "1"}
    assert writing.models.bodies[-1]["messages"] == [{"role": "user", "content": "Say yes."}]


@pytest.mark.parametrize("variables", [{}, {"word": "yes", "other": 1}, {"word": "much too long"}, {"word": 7}])
async def test_a_variable_that_is_wrong_is_told_before_any_call(writing: Writing, variables: dict[str, Any]) -> None:
    """Missing, extra, oversize, of the wrong type."""
    template = {"template": "Say {{ word }}.", "variables": {"word": {"type": "string", "maxLength": 10}}}
    await writing.http.post("/prompts", json={"name": "echo", "message": "first", **template})

    answer = await writing.generate(prompt={"name": "echo", "version": 1, "variables": variables}, stream=True)

    assert (answer.status_code, answer.json()["code"]) == (422, "prompt_variables_invalid")
    assert writing.models.bodies == []


@pytest.mark.parametrize(
    ("prompt", "status", "code"),
    [
        ({"name": "nobody", "version": 1}, 404, "version_unknown"),
        ({"name": "nobody"}, 404, "label_unknown"),
        ({"name": "a b"}, 422, "request_invalid"),
        ({"name": "echo", "version": 1, "label": "production"}, 422, "request_invalid"),
        ({"name": "echo", "colour": "red"}, 422, "request_invalid"),
        (7, 422, "request_invalid"),
    ],
)
async def test_a_prompt_that_is_not_there_is_told(writing: Writing, prompt: Any, status: int, code: str) -> None:
    """No model is asked."""
    answer = await writing.generate(prompt=prompt)

    assert (answer.status_code, answer.json()["code"], writing.models.bodies) == (status, code, [])


async def test_the_log_has_the_request_and_its_trace(writing: Writing) -> None:
    """The same ids as the answer, and not a word of what was said."""
    asked = uuid4().hex
    answer = await writing.http.post("/generate", json={"prompt": "A secret?"}, headers={"x-request-id": asked})
    await eventually(lambda: any(line.get("request_id") == asked for line in writing.log()))

    lines = [line for line in writing.log() if line.get("request_id") == asked]
    assert "text.generated" in {line["event"] for line in lines}
    assert {line["trace_id"] for line in lines} == {answer.json()["trace_id"]}
    assert answer.json()["request_id"] == answer.headers["x-request-id"] == asked
    assert [line for line in lines if "secret" in str(line) or REPLY in str(line)] == []


@pytest.mark.parametrize("stream", [False, True])
async def test_without_a_language_model_the_problem_says_what_to_set_up(workbench: Workbench, stream: bool) -> None:
    """The extractive answerer quotes documents, and here are none."""
    answer = await workbench.http.post("/generate", json={"prompt": "Write a poem.", "stream": stream})

    assert (answer.status_code, answer.json()["code"]) == (501, "grounding_missing")
    assert "LLM__OPENAI_API_KEY" in answer.json()["detail"]
