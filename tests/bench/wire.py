"""A closed loop of clients that cost next to nothing, on the cores that the service has too: HTTP/1.1 by hand, JSON read afterwards."""

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from tests.bench.load import Answered, Load
from tests.bench.report import MeasurementFailed

_OK = b"HTTP/1.1 200 "


async def hammer(url: str, path: str, bodies: Sequence[Mapping[str, Any]], at_once: int, fresh: bool = False) -> Load:
    """Posts every body once, each client on a connection of its own; `fresh` asks for nothing remembered.

    Raises MeasurementFailed at the first answer that is not 200.
    """
    waiting = iter([_request(url, path, body, fresh) for body in bodies])
    taken: list[tuple[float, bytes]] = []
    connections = [await asyncio.open_connection(urlsplit(url).hostname, urlsplit(url).port) for _ in range(at_once)]
    try:
        began = time.perf_counter()
        await asyncio.gather(*(_client(reader, writer, waiting, taken) for reader, writer in connections))
        seconds = time.perf_counter() - began
    finally:
        for _, writer in connections:
            writer.close()
    return Load(at_once, [Answered(wall_ms, json.loads(answer)) for wall_ms, answer in taken], seconds)


def _request(url: str, path: str, body: Mapping[str, Any], fresh: bool) -> bytes:
    data = json.dumps(body).encode()
    headers = {"host": urlsplit(url).netloc, "content-type": "application/json", "content-length": str(len(data))}
    headers |= {"cache-control": "no-store"} if fresh else {}
    head = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(head).encode() + data


async def _client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, waiting: Any, taken: list[tuple[float, bytes]]) -> None:
    for request in waiting:
        began = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        answer = await reader.readexactly(_length(head))
        taken.append(((time.perf_counter() - began) * 1000, answer))
        if not head.startswith(_OK):
            raise MeasurementFailed(f"{request.split()[1].decode()} answered {head.split()[1].decode()}: {answer[:300].decode()}")


def _length(head: bytes) -> int:
    lines = (line.partition(b":") for line in head.lower().split(b"\r\n"))
    return next(int(value) for name, _, value in lines if name == b"content-length")
