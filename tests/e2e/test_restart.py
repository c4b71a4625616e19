"""The embedded broker forgets at its end; no document does."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import DONE_WITHIN_S, ENDS_WITHIN_S

DOCUMENTS = 12


@contextmanager
def stack(folder: Path, end: signal.Signals) -> Iterator[str]:
    """A stack in `folder`, ended by a signal; gives its HTTP address."""
    command = [sys.executable, "-m", "workbench", "up", "--json"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout
            yield json.loads(running.stdout.readline())["http"]
        finally:
            running.send_signal(end)
            running.wait(ENDS_WITHIN_S)


async def statuses(http: httpx.AsyncClient) -> list[str]:
    """The status of each document."""
    documents = (await http.get("/documents")).json()["documents"]
    return [document["status"] for document in documents]


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
async def test_documents_unfinished_at_the_end_are_finished_after_the_next_start(tmp_path: Path, end: signal.Signals) -> None:
    """Whether the stack was stopped in order or killed."""
    with stack(tmp_path, end) as url:
        async with httpx.AsyncClient(base_url=url, timeout=60) as http:
            for number in range(DOCUMENTS):
                body = {"text": f"Document {number}. " + f"Sentence {number} about kelp. " * 200, "title": f"{number}"}
                assert (await http.post("/ingest", json=body)).status_code == 202
            before = await statuses(http)

    with stack(tmp_path, signal.SIGINT) as url:
        async with asyncio.timeout(DONE_WITHIN_S), httpx.AsyncClient(base_url=url, timeout=60) as http:
            while (after := await statuses(http)) != ["indexed"] * DOCUMENTS:
                await asyncio.sleep(0.1)

    assert before.count("indexed") < DOCUMENTS
    assert after == ["indexed"] * DOCUMENTS
