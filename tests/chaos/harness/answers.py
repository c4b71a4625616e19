"""The services that answer questions, as real processes: upload, ingest, index, ask."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

import httpx

from kit.topics import create_topics
from tests.brokers.broker import LocalBroker
from tests.brokers.server import LocalServer, local_server
from tests.chaos.harness.qdrant import running_vectors
from tests.chaos.harness.replica import Replica
from tests.chaos.harness.world import Database
from workbench.stack import postgres, valkey
from workbench.stack.ports import HOST, free_port

DIMENSIONS = 384
DONE_WITHIN_S = 60
ANSWERED_WITHIN_S = 20


@dataclass(frozen=True, slots=True)
class Cache:
    """A cache to stop, kill and start."""

    server: LocalServer
    port: int
    url: str

    @asynccontextmanager
    async def silent(self) -> AsyncIterator[None]:
        """While the block runs, somebody takes connections in its place and says nothing, as behind a network that drops packets."""
        over = asyncio.Event()

        async def say_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await over.wait()
            writer.close()

        await asyncio.to_thread(self.server.stop)
        async with await asyncio.start_server(say_nothing, HOST, self.port):
            yield
            over.set()
        await asyncio.to_thread(self.server.start)


@dataclass(frozen=True, slots=True)
class Answers:
    """What a user of rag does."""

    http: httpx.AsyncClient

    async def upload(self, title: str, text: str) -> None:
        """Returns once the document can be found."""
        sent = await self.http.post("/ingest", json={"text": text, "title": title, "media_type": "text/plain"})
        async with asyncio.timeout(DONE_WITHIN_S):
            while (await self.http.get(sent.json()["status_url"])).json()["status"] != "indexed":
                await asyncio.sleep(0.1)

    async def ask(self, question: str) -> dict[str, Any]:
        """The answer."""
        answer = await self.http.post("/rag/query", json={"question": question})
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body


@contextmanager
def running_cache(folder: Path) -> Iterator[Cache]:
    """Yields a cache with its data in `folder`."""
    port, password = free_port(), token_hex(8)
    folder.mkdir()
    with local_server(valkey.command(folder, port, password), folder / "logs") as server:
        yield Cache(server, port, valkey.url(port, password))


@asynccontextmanager
async def answering(broker: LocalBroker, database: Database, cache: Cache, folder: Path) -> AsyncIterator[Answers]:
    """Yields what asks rag, while ingest, indexer and rag run, each by itself."""
    name = f"chaos_{token_hex(4)}"
    postgres.create_database(database.port, database.password, name)
    await create_topics(broker.bootstrap_servers)
    (folder / "blobs").mkdir(parents=True)
    with running_vectors(folder) as vectors:
        stored = {"BLOBS__URL": (folder / "blobs").as_uri()}
        found = {f"VECTORS__{key.upper()}": str(value) for key, value in vectors.settings(DIMENSIONS).model_dump(exclude_none=True).items()}
        parts = {"ingest": stored, "indexer": found, "rag": {**stored, **found, "REDIS__URL": cache.url}}
        services = {service: _replica(service, broker, database.dsn(service, name), own, folder) for service, own in parts.items()}
        try:
            await asyncio.gather(*(service.ready() for service in services.values()))
            async with httpx.AsyncClient(base_url=services["rag"].url, timeout=ANSWERED_WITHIN_S) as http:
                yield Answers(http)
        finally:
            for service in services.values():
                service.end()


def _replica(service: str, broker: LocalBroker, dsn: str, own: dict[str, str], folder: Path) -> Replica:
    settings = {
        "KAFKA__BOOTSTRAP_SERVERS": broker.bootstrap_servers,
        "KAFKA__IDEMPOTENT": str(broker.settings().idempotent).lower(),
        "KAFKA__SESSION_TIMEOUT_MS": "2000",
        "POSTGRES__DSN": dsn,
        **own,
    }
    return Replica(service, settings, folder / f"{service}.log", _nothing)


async def _nothing() -> int:
    return 0
