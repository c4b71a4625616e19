"""A rag that answers as fast as Python can, or after so many seconds, the same question always the same: a process of its own.

`python -m tests.bench.rag_server SECONDS`. It says `yes` to questions with an odd number and `no` to the others, also to who takes it for
OpenAI; at /asked how often each path was asked for, and at /when when, by the machine's monotonic clock.
"""

import asyncio
import json
import re
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from zlib import crc32

import httpx

DIMENSIONS = 16
QUERY, CHAT, ASKED, WHEN = "/rag/query", "/v1/chat/completions", "/asked", "/when"
_NUMBER = re.compile(r"\d+")


@asynccontextmanager
async def running_rag(latency_s: float = 0.0) -> AsyncIterator[str]:
    """Its base URL while it runs."""
    command = (sys.executable, "-m", __name__, str(latency_s))
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(await process.stdout.readline())}"
    finally:
        process.kill()
        await process.wait()


async def when_asked(url: str, path: str) -> list[float]:
    """When that path was asked for, by the machine's monotonic clock."""
    async with httpx.AsyncClient(base_url=url) as http:
        times: list[float] = (await http.get(WHEN)).json().get(path, [])
        return times


async def serve(latency_s: float) -> None:
    """Prints its port and answers until it is killed."""
    asked = defaultdict[str, list[float]](list)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                body = await reader.readexactly(_length(head))
                path = head.split(b" ", 2)[1].decode()
                asked[path].append(time.monotonic())
                if path.endswith((QUERY, CHAT)):
                    await asyncio.sleep(latency_s)
                writer.write(_response(_told(path, asked) or _said(path, json.loads(body) if body else {})))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=256)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def _told(path: str, asked: Mapping[str, list[float]]) -> Mapping[str, object] | None:
    if path == ASKED:
        return {each: len(times) for each, times in asked.items()}
    return asked if path == WHEN else None


def _said(path: str, body: dict[str, Any]) -> dict[str, Any]:
    match path.strip("/").split("/"):
        case ["rag", "query"]:
            return _answer(body["question"], body["variant"])
        case [*_, "chat", "completions"]:
            return _completion(str(body["messages"][-1]["content"]))
        case ["embed"]:
            return {"embeddings": [_vector(text) for text in body["texts"]]}
        case [kind, name, "versions", number]:
            definition = {"prompt": "grounded-answer@1", "index_generation": "current"} if kind == "variants" else {}
            sha256 = f"{crc32(f'{name}@{number}'.encode()):064x}"
            return {"name": name, "version": int(number), "sha256": sha256, "definition": definition}
        case ["variants" | "prompts", _]:
            return {"labels": {"production": {"1": 1.0}}}
        case ["generations"]:
            return {"generations": [{"generation": "g1", "state": "active"}]}
    return {}


def _completion(prompt: str) -> dict[str, Any]:
    """The answer, or a judgement if a form for one is in the prompt."""
    content = json.dumps({"reason": "so it is", "score": 10}) if '"score"' in prompt else _word(_number(prompt))
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}
    usage = {"prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30}
    return {"id": "c", "object": "chat.completion", "created": 0, "model": "always-the-same", "choices": [choice], "usage": usage}


def _number(question: str) -> int:
    return int((_NUMBER.findall(question) or ["0"])[0])


def _word(number: int) -> str:
    return "yes" if number % 2 else "no"


def _answer(question: str, variant: str) -> dict[str, Any]:
    name, _, version = variant.partition("@")
    number = _number(question)
    text = f"{_word(number)}, says the passage of question {number}"
    place = {"document_id": f"d{number}", "start": 0, "end": len(text)}
    return {
        "answer_id": None,
        "answer": text,
        "abstained": False,
        "citations": [{**place, "quote": text}],
        "contexts": [{**place, "text": text, "score": 1.0}],
        "variant": {"name": name, "version": version},
        "prompt": {"name": "grounded-answer", "version": "1"},
        "provider": "loopback",
        "model": "always-the-same",
        "usage": {"input_tokens": 20, "output_tokens": 10, "cost_usd": 0.001},
        "timings_ms": {"total": 1.0},
        "degraded": [],
        "confidence": (number % 10) / 10,
    }


def _vector(text: str) -> list[float]:
    return [1.0 + (crc32(f"{place} {text}".encode()) % 1000) / 1000 for place in range(DIMENSIONS)]


def _length(head: bytes) -> int:
    lines = (line.partition(b":") for line in head.lower().split(b"\r\n"))
    return next((int(value) for name, _, value in lines if name == b"content-length"), 0)


def _response(said: Mapping[str, object]) -> bytes:
    body = json.dumps(said).encode()
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1])))
