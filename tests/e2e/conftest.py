"""One running stack for all end-to-end tests, started as a user starts it and spoken to from outside."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord

ENDS_WITHIN_S = 120
DONE_WITHIN_S = 120
FINAL = {"indexed", "failed", "deleted"}


@dataclass(frozen=True, slots=True)
class Workbench:
    """What a user has: the addresses that `workbench up --json` prints, and plain clients."""

    addresses: dict[str, str]
    http: httpx.AsyncClient
    kafka: AIOKafkaProducer

    async def upload(self, name: str, data: bytes, **fields: str) -> httpx.Response:
        """POST /ingest of a file."""
        return await self.http.post("/ingest", files={"file": (name, data)}, data=fields)

    async def settled(self, document_id: str, version: int = 1) -> dict[str, Any]:
        """The document once its version is indexed, failed or deleted."""
        async with asyncio.timeout(DONE_WITHIN_S):
            while True:
                answer = await self.http.get(f"/documents/{document_id}")
                document: dict[str, Any] = answer.json()
                if answer.status_code == 200 and document["version"] >= version and document["status"] in FINAL:
                    return document
                await asyncio.sleep(0.05)

    async def indexed(self, name: str, data: bytes, **fields: str) -> dict[str, Any]:
        """Uploads and waits; the document must become searchable."""
        receipt = (await self.upload(name, data, **fields)).json()
        document = await self.settled(receipt["document_id"], receipt["version"])
        assert document["status"] == "indexed", document
        return document

    async def ask(self, question: str, **fields: Any) -> dict[str, Any]:
        """POST /rag/query."""
        answer = await self.http.post("/rag/query", json={"question": question, **fields})
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def search(self, query: str, **fields: Any) -> list[dict[str, Any]]:
        """The hits of POST /search."""
        answer = await self.http.post("/search", json={"query": query, **fields})
        assert answer.status_code == 200, answer.text
        hits: list[dict[str, Any]] = answer.json()["hits"]
        return hits

    async def ready(self) -> dict[str, str]:
        """What /readyz says of each dependency, once it can be served."""
        async with asyncio.timeout(DONE_WITHIN_S):
            while (answer := await self.http.get("/readyz")).status_code != 200 or {*answer.json()["dependencies"].values()} != {"ok"}:
                await asyncio.sleep(0.05)
        dependencies: dict[str, str] = answer.json()["dependencies"]
        return dependencies

    async def send(self, topic: str, key: str, value: bytes | None, headers: list[tuple[str, bytes | None]]) -> tuple[int, int]:
        """Publishes a record; gives its partition and offset."""
        sent = await self.kafka.send_and_wait(topic, value, key.encode(), headers=headers)
        return sent.partition, sent.offset

    async def records(
        self, topic: str, wanted: Callable[[ConsumerRecord[Any, Any]], bool], count: int = 1
    ) -> list[ConsumerRecord[Any, Any]]:
        """The first `count` records of a topic that are wanted, once they are there."""
        consumer = AIOKafkaConsumer(topic, bootstrap_servers=self.addresses["kafka"], auto_offset_reset="earliest")
        found: list[ConsumerRecord[Any, Any]] = []
        await consumer.start()
        try:
            async with asyncio.timeout(DONE_WITHIN_S):
                while len(found) < count:
                    record = await consumer.getone()
                    found += [record] if wanted(record) else []
                return found
        finally:
            await consumer.stop()

    async def dead_letter(self, topic: str, partition: int, offset: int) -> ConsumerRecord[Any, Any]:
        """The record of a dead letter topic that came from there."""
        source = {"x-source-partition": str(partition).encode(), "x-source-offset": str(offset).encode()}
        [dead] = await self.records(topic, lambda record: source.items() <= dict(record.headers).items())
        return dead

    async def fetch(self, sql: str, *values: Any) -> list[asyncpg.Record]:
        """Reads the database as its administrator."""
        connection = await asyncpg.connect(self.addresses["postgres"])
        try:
            rows: list[asyncpg.Record] = await connection.fetch(sql, *values)
            return rows
        finally:
            await connection.close()

    async def eventually(self, sql: str, value: str) -> list[Any]:
        """The first column of what a query gives, once it gives something."""
        async with asyncio.timeout(DONE_WITHIN_S):
            while not (rows := await self.fetch(sql, value)):
                await asyncio.sleep(0.05)
        return [row[0] for row in rows]


@pytest.fixture(scope="session")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What `workbench up --json` says in a folder of its own; the stack is stopped as by Ctrl-C, and must go quietly."""
    folder = tmp_path_factory.mktemp("stack")
    command = [sys.executable, "-m", "workbench", "up", "--json"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as stack:
        try:
            yield _addresses(stack, folder)
        finally:
            stack.send_signal(signal.SIGINT)
            assert stack.wait(ENDS_WITHIN_S) == 0


def _addresses(stack: "subprocess.Popen[str]", folder: Path) -> dict[str, str]:
    assert stack.stdout
    line = stack.stdout.readline()
    logs = folder / ".workbench" / "logs" / "services.log"
    assert line, f"the stack did not start: {logs.read_text()[-3000:] if logs.exists() else 'see above'}"
    addresses: dict[str, str] = json.loads(line)
    return addresses


@pytest.fixture
async def workbench(addresses: dict[str, str]) -> AsyncIterator[Workbench]:
    """The running stack with plain clients."""
    producer = AIOKafkaProducer(bootstrap_servers=addresses["kafka"], max_request_size=1_048_576)
    async with httpx.AsyncClient(base_url=addresses["http"], timeout=60) as http:
        await producer.start()
        try:
            yield Workbench(addresses, http, producer)
        finally:
            await producer.stop()
