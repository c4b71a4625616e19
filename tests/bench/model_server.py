"""A server that speaks OpenAI's chat completions as fast as Python can, in a process of its own: `python -m tests.bench.model_server`."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

REPLY = "The filing must be answered within fourteen days of its receipt, unless the court has set another term."
_HEAD = {"id": "chatcmpl-1", "created": 0, "model": "gpt-4o-mini"}
_USAGE = {"prompt_tokens": 12, "completion_tokens": 20, "total_tokens": 32}
_STREAMS = (b'"stream":true', b'"stream": true')


@asynccontextmanager
async def running_model_server() -> AsyncIterator[str]:
    """Its base URL while it runs."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", __name__, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(await process.stdout.readline())}/v1"
    finally:
        process.kill()
        await process.wait()


async def serve() -> None:
    """Prints its port and answers until it is killed."""
    server = await asyncio.start_server(_answer, "127.0.0.1", 0, backlog=256)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    whole, streamed = _whole(), _streamed()
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            body = await reader.readexactly(_length(head))
            writer.write(streamed if any(mark in body for mark in _STREAMS) else whole)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


def _length(head: bytes) -> int:
    lines = (line.partition(b":") for line in head.lower().split(b"\r\n"))
    return next((int(value) for name, _, value in lines if name == b"content-length"), 0)


def _whole() -> bytes:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": REPLY}}
    body = json.dumps({**_HEAD, "object": "chat.completion", "choices": [choice], "usage": _USAGE}).encode()
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)


def _streamed() -> bytes:
    deltas = [{"index": 0, "delta": {"content": f"{word} "}, "finish_reason": None} for word in REPLY.split()]
    choices = [[delta] for delta in deltas] + [[{"index": 0, "delta": {}, "finish_reason": "stop"}]]
    chunks = [{**_HEAD, "object": "chat.completion.chunk", "choices": choice} for choice in choices]
    chunks.append({**_HEAD, "object": "chat.completion.chunk", "choices": [], "usage": _USAGE})
    events = [f"data: {json.dumps(chunk)}\n\n".encode() for chunk in chunks] + [b"data: [DONE]\n\n"]
    body = b"".join(b"%x\r\n%s\r\n" % (len(event), event) for event in events)
    return b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n%s0\r\n\r\n" % body


if __name__ == "__main__":
    asyncio.run(serve())
