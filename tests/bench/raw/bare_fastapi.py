"""FastAPI alone, as uvicorn runs it: answers every POST with the JSON of standard input. Prints its port, and serves until it is killed."""

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict

from tests.bench.raw import ROOT


class Asked(BaseModel):
    """Any body."""

    model_config = ConfigDict(extra="allow")


def main() -> None:
    """One route."""
    app, given = FastAPI(), json.load(sys.stdin)

    @app.post("/same")
    async def same(body: Asked) -> dict[str, Any]:
        answer: dict[str, Any] = given
        return answer

    # Named as TCP, or asyncio leaves Nagle's algorithm on.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        print(listener.getsockname()[1], flush=True)
        uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False)).run([listener])


@asynccontextmanager
async def running_bare_fastapi(answer: dict[str, Any]) -> AsyncIterator[str]:
    """Its URL while it runs."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", __name__, cwd=ROOT, stdin=pipe, stdout=pipe)
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(answer).encode())
        process.stdin.close()
        yield f"http://127.0.0.1:{int(await process.stdout.readline())}"
    finally:
        process.kill()
        await process.wait()


if __name__ == "__main__":
    main()
