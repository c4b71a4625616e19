"""The stack as a user has it: `workbench up --json` in a folder, plain clients, and nothing left behind."""

import asyncio
import json
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from contracts.chunks import ChunksEmbeddedV1
from contracts.topics import DOCS_INDEXED, DOCS_REJECTED
from tests.bench.handbook import Document
from tests.bench.report import MeasurementFailed
from tests.events import record_of

READY_WITHIN_S = 60
STOPPED_WITHIN_S = 30
INDEXED_WITHIN_S = 240
UPLOADS_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Stack:
    """A running stack; `ready_s` from the start of its process to the line that says where it answers."""

    pid: int
    ready_s: float
    addresses: dict[str, str]
    http: httpx.AsyncClient

    async def index(self, documents: Sequence[Document]) -> float:
        """Uploads documents, a few at a time; gives the seconds from the first upload until the last of them is searchable."""
        async with self.outcomes() as outcomes:
            began = time.perf_counter()
            uploaded = await self._upload_all(documents)
            await outcomes.indexed(uploaded)
            return time.perf_counter() - began

    async def publish(self, events: Iterable[ChunksEmbeddedV1]) -> None:
        """Tells chunks as ingest would, and returns once they are searchable."""
        async with AIOKafkaProducer(bootstrap_servers=self.addresses["kafka"]) as producer, self.outcomes() as outcomes:
            published = set()
            for event in events:
                record = record_of(event)
                await producer.send_and_wait(record.topic, record.value, record.key, headers=list(record.headers))
                published.add(event.document_id)
            await outcomes.indexed(published)

    @asynccontextmanager
    async def outcomes(self) -> AsyncIterator["Outcomes"]:
        """What becomes of documents from now on, and became of them since the stack started."""
        topics = (DOCS_INDEXED.name, DOCS_REJECTED.name)
        consumer = AIOKafkaConsumer(*topics, bootstrap_servers=self.addresses["kafka"], auto_offset_reset="earliest")
        await consumer.start()
        try:
            yield Outcomes(consumer)
        finally:
            await consumer.stop()

    async def _upload_all(self, documents: Sequence[Document]) -> set[str]:
        waiting, ids = iter(documents), set()

        async def client() -> None:
            for document in waiting:
                ids.add(await self._upload(document))

        await asyncio.gather(*(client() for _ in range(UPLOADS_AT_ONCE)))
        return ids

    async def _upload(self, document: Document) -> str:
        response = await self.http.post("/ingest", files={"file": (document.name, document.data)})
        if response.status_code != httpx.codes.ACCEPTED:
            raise MeasurementFailed(f"/ingest of {document.name} answered {response.status_code}: {response.text[:300]}")
        document_id: str = response.json()["document_id"]
        return document_id


@dataclass(frozen=True, slots=True)
class Outcomes:
    """A reader of `docs.indexed` and `docs.rejected`: it knows of a document at once, and asks the services nothing."""

    consumer: AIOKafkaConsumer

    async def indexed(self, ids: set[str]) -> None:
        """Returns once all are searchable. Raises MeasurementFailed if one is rejected, TimeoutError if it takes too long."""
        missing = set(ids)
        async with asyncio.timeout(INDEXED_WITHIN_S):
            while missing:
                record = await self.consumer.getone()
                outcome: dict[str, Any] = json.loads(record.value)
                if record.topic == DOCS_REJECTED.name:
                    raise MeasurementFailed(f"{outcome['document_id']} was rejected: {outcome['reason']}")
                missing.discard(outcome["document_id"])


@asynccontextmanager
async def running_stack(folder: Path) -> AsyncIterator[Stack]:
    """Runs the stack of a folder while the block runs. Raises MeasurementFailed if it does not start, or does not stop quietly."""
    began = time.perf_counter()
    # A session of its own: Ctrl-C reaches the bench alone, which then stops the stack.
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "workbench", "up", "--json"), cwd=folder, stdout=asyncio.subprocess.PIPE, start_new_session=True
    )
    try:
        addresses = await _addresses(process)
        ready_s = time.perf_counter() - began
        async with httpx.AsyncClient(base_url=addresses["http"], timeout=60) as http:
            yield Stack(process.pid, ready_s, addresses, http)
    finally:
        await _stop(process)
    if process.returncode != 0:
        raise MeasurementFailed(f"the stack ended with exit code {process.returncode}")


async def _addresses(process: asyncio.subprocess.Process) -> dict[str, str]:
    if process.stdout is None:
        raise MeasurementFailed("the stack has no standard output")
    line = await asyncio.wait_for(process.stdout.readline(), READY_WITHIN_S)
    if not line:
        raise MeasurementFailed("the stack did not start; what it said is above")
    addresses: dict[str, str] = json.loads(line)
    return addresses


async def _stop(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGINT)
    try:
        await asyncio.wait_for(process.wait(), STOPPED_WITHIN_S)
    except TimeoutError:
        process.kill()
        await process.wait()
