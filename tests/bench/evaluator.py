"""The evaluator as a process of its own, on real servers, beside a rag that always says the same."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from aiokafka import AIOKafkaProducer
from pydantic import SecretStr

from contracts.envelope import DEFAULT_TENANT
from contracts.evals import EvalCancelledV1, EvalRequestedV1
from kit.adapters.blobs import ObjectBlobs
from kit.datasets.case import Case
from kit.datasets.fingerprint import fingerprint
from kit.datasets.lines import written
from kit.migrations import migrate
from kit.postgres import open_pool
from kit.settings import PostgresSettings
from kit.topics import create_topics
from tests.events import record_of
from workbench.stack.ports import free_port
from workbench.stack.servers import Servers

_PUT = "INSERT INTO datasets (tenant_id, name, fingerprint, cases, unanswerable, blob) VALUES ($1, $2, $3, $4, 0, $5)"
_LOOK_S = 0.01

Row = dict[str, Any]


def cases_of(count: int, answer: str = "yes") -> list[Case]:
    """Cases c0, c1, ... in clusters of two."""
    return [Case(id=f"c{n}", question=f"Question {n}?", answers=(answer,), cluster=f"p{n // 2}") for n in range(count)]


@dataclass
class EvaluatorProcess:
    """One process, and the next one when it is killed. `rag_schema` is where datasets are written to, as rag would."""

    servers: Servers
    env: dict[str, str]
    log: Path
    pool: asyncpg.Pool
    rag_schema: asyncpg.Pool
    blobs: ObjectBlobs
    kills: int = 0
    process: "subprocess.Popen[bytes]" = field(init=False)

    def start(self) -> None:
        """Starts a process."""
        with self.log.open("ab") as stream:
            self.process = subprocess.Popen([sys.executable, "-m", "services.evaluator"], env=self.env, stderr=stream)

    def kill(self) -> None:
        """SIGKILL, and the next one."""
        self.end()
        self.kills += 1
        self.start()

    def end(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait()

    async def upload(self, name: str, cases: Iterable[Case]) -> None:
        """A dataset, as rag keeps it."""
        cases = list(cases)
        data = b"".join(written(case) for case in cases)
        blob = {"uri": (await self.blobs.put(data)).uri, "sha256": sha256(data).hexdigest(), "bytes": len(data)}
        await self.rag_schema.execute(_PUT, DEFAULT_TENANT, name, fingerprint(cases), len(cases), blob)

    async def request(self, dataset: str) -> UUID:
        """Asks for an evaluation as a plain client does; gives its id."""
        event = EvalRequestedV1(eval_id=uuid4(), dataset=dataset, candidate="b", seed=5)
        await self._tell(event)
        return event.eval_id

    async def cancel(self, eval_id: UUID) -> None:
        """Says that nobody wants it any more, as a plain client does."""
        await self._tell(EvalCancelledV1(eval_id=eval_id))

    async def _tell(self, event: EvalRequestedV1 | EvalCancelledV1) -> None:
        record = record_of(event)
        async with AIOKafkaProducer(bootstrap_servers=self.servers.kafka) as producer:
            await producer.send_and_wait(record.topic, record.value, record.key, headers=list(record.headers))

    async def until(self, eval_id: UUID, reached: Callable[[Row], bool], within_s: float, every_s: float = _LOOK_S) -> Row:
        """The evaluation as rag sees it, once `reached` says so. Each look counts the results that there are."""
        async with asyncio.timeout(within_s):
            while True:
                row = await self.pool.fetchrow("SELECT * FROM v_evals WHERE eval_id = $1", eval_id)
                if row and reached(dict(row)):
                    return dict(row)
                await asyncio.sleep(every_s)


@asynccontextmanager
async def running_evaluator(servers: Servers, folder: Path, rag: str, **settings: str) -> AsyncIterator[EvaluatorProcess]:
    """Runs it over those servers, with its files in `folder`, until the block ends."""
    await create_topics(servers.kafka)
    given = {
        "KAFKA__BOOTSTRAP_SERVERS": servers.kafka,
        "KAFKA__IDEMPOTENT": "false",
        "KAFKA__SESSION_TIMEOUT_MS": "2000",
        "POSTGRES__DSN": servers.dsn("evaluator"),
        "HTTP__PORT": str(free_port()),
        "BLOBS__URL": folder.as_uri(),
        "RAG__URL": rag,
        **settings,
    }
    env = {**os.environ, **{f"EVALUATOR_{name}": value for name, value in given.items()}}
    async with _schema(servers, "evaluator") as evaluator, _schema(servers, "rag") as schema:
        running = EvaluatorProcess(servers, env, folder / "log", evaluator, schema, ObjectBlobs(folder.as_uri()))
        running.start()
        try:
            yield running
        finally:
            running.end()


@asynccontextmanager
async def _schema(servers: Servers, service: str) -> AsyncIterator[asyncpg.Pool]:
    settings = PostgresSettings(dsn=SecretStr(servers.dsn(service)), pool_size=2)
    async with open_pool(settings, service) as pool:
        await migrate(pool, service)
        yield pool
