"""A rag that answers as fast as Python can, or after so many seconds, the same question always the same: a process of its own.

`python -m tests.bench.rag_server SECONDS`. It says `yes` to questions with an odd number and `no` to the others, and at /asked how often
each path was asked for.
"""

import asyncio
import json
import re
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from zlib import crc32

DIMENSIONS = 16
QUERY, ASKED = "/rag/query", "/asked"
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


async def serve(latency_s: float) -> None:
    """Prints its port and answers until it is killed."""
    asked = Counter[str]()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                body = await reader.readexactly(_length(head))
                path = head.split(b" ", 2)[1].decode()
                asked[path] += 1
                if path == QUERY:
                    await asyncio.sleep(latency_s)
                said = dict(asked) if path == ASKED else _said(path, json.loads(body) if body else {})
                writer.write(_response(said))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=256)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def _said(path: str, body: dict[str, Any]) -> dict[str, Any]:
    match path.strip("/").split("/"):
        case ["rag", "query"]:
            return _answer(body["question"], body["variant"])
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


def _answer(question: str, variant: str) -> dict[str, Any]:
    name, _, version = variant.partition("@")
    number = int((_NUMBER.findall(question) or ["0"])[0])
    text = f"{'yes' if number % 2 else 'no'}, says the passage of question {number}"
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


def _response(said: dict[str, Any]) -> bytes:
    body = json.dumps(said).encode()
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1])))
