"""The world of a story: one broker, one database, and the replicas of one service."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex

from aiokafka import AIOKafkaProducer

from kit.settings import VectorEngine, VectorSettings
from kit.topics import create_topics
from tests.brokers.broker import LocalBroker
from tests.brokers.server import LocalServer, local_server
from tests.chaos.harness.audit import Audit
from tests.chaos.harness.ledger import Ledger, Offsets
from tests.chaos.harness.qdrant import Vectors, running_vectors
from tests.chaos.harness.replica import Death, Replica
from tests.chaos.harness.sampler import Sampler
from tests.chaos.harness.tap import Records
from tests.chaos.harness.workload import Workload
from tests.chaos.harness.workloads import DIMENSIONS
from workbench.stack import postgres
from workbench.stack.ports import free_port

# The delays of the retry topics, short enough to wait for.
RETRY_DELAYS = "[1, 2]"
SESSION_TIMEOUT_MS = 3_000
# A member hears of a rebalance with its next heartbeat, at the latest after a third of the session.
SETTLE_S = 2.0


@dataclass(frozen=True, slots=True)
class Database:
    """A Postgres to stop, kill and start; it keeps its data."""

    server: LocalServer
    port: int
    password: str

    def dsn(self, role: str, name: str) -> str:
        """The address of a database for a role."""
        return postgres.dsn(role, self.password, self.port, name)


@contextmanager
def running_database(folder: Path) -> Iterator[Database]:
    """Yields a server with its data in `folder`."""
    port, password = free_port(), token_hex(8)
    with local_server(postgres.command(folder / "postgres", port, password), folder / "logs") as server:
        yield Database(server, port, password)


@dataclass
class World:
    """What faults strike and checks look at. `number_0` is the replica that failpoints are for.

    `changes` are the spans (seconds since 1970) in which replicas came or went in order, for the figures. `taken` are dead letters that
    somebody took out of their topics.
    """

    workload: Workload
    broker: LocalBroker
    database: Database
    name: str
    folder: Path
    ledger: Ledger
    sampler: Sampler
    producer: AIOKafkaProducer
    vectors: VectorSettings | None = None
    vector_server: Vectors | None = None
    replicas: list[Replica] = field(default_factory=list)
    gone: list[Replica] = field(default_factory=list)
    changes: list[tuple[float, float]] = field(default_factory=list)
    taken: Records = field(default_factory=list)
    _deaths_told: int = 0

    @property
    def audit(self) -> Audit:
        """What was written."""
        return self.sampler.audit

    @property
    def number_0(self) -> Replica:
        """The first replica."""
        return self.replicas[0]

    @property
    def logs(self) -> list[Path]:
        """What all replicas logged, also those that are gone."""
        return [replica.log for replica in (*self.replicas, *self.gone)]

    @property
    def kills(self) -> int:
        """How often a replica was killed."""
        return sum(len(replica.deaths) for replica in (*self.replicas, *self.gone))

    def add_replica(self, failpoints: Sequence[str] = ()) -> Replica:
        """One more process."""
        log = self.folder / f"{self.workload.service}-{len(self.replicas) + len(self.gone)}.log"
        self.replicas.append(Replica(self.workload.service, self._settings(), log, self.sampler.in_hand, deque(failpoints)))
        return self.replicas[-1]

    async def next_death(self, within_s: float) -> Death:
        """Replica number 0 was killed, and this did not tell so before. Raises TimeoutError."""
        self._deaths_told += 1
        return await self.number_0.died(self._deaths_told, within_s)

    async def remove_replica(self) -> int:
        """SIGTERM to the last process; gives its exit status."""
        replica = self.replicas.pop()
        self.gone.append(replica)
        return await replica.stop()

    @asynccontextmanager
    async def changing(self) -> AsyncIterator[None]:
        """Notes that replicas come or go in this block, and lets the group settle after it."""
        began = time.time()
        yield
        await asyncio.sleep(SETTLE_S)
        self.changes.append((began, time.time()))

    def uncommitted(self, before: Offsets) -> int:
        """How many records were acknowledged by now and not committed by `before`: what a group may have in hand, at most."""
        return len(self.ledger.beyond(before))

    def _settings(self) -> dict[str, str]:
        kafka = self.broker.settings()
        vectors = self.vectors.model_dump(exclude_none=True) if self.vectors else {}
        return {
            "KAFKA__BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
            "KAFKA__IDEMPOTENT": str(kafka.idempotent).lower(),
            "KAFKA__SESSION_TIMEOUT_MS": str(min(kafka.session_timeout_ms, SESSION_TIMEOUT_MS)),
            "KAFKA__RETRY_DELAYS_S": RETRY_DELAYS,
            "POSTGRES__DSN": self.database.dsn(self.workload.service, self.name),
            **{f"VECTORS__{name.upper()}": str(value) for name, value in vectors.items()},
        }


@asynccontextmanager
async def open_world(
    workload: Workload, broker: LocalBroker, database: Database, folder: Path, failpoints: Sequence[str]
) -> AsyncIterator[World]:
    """Yields a world with one replica that is ready, and its first failpoint armed; all its processes are gone after the block."""
    name = f"chaos_{token_hex(4)}"
    postgres.create_database(database.port, database.password, name)
    await create_topics(broker.bootstrap_servers)
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    audit, ledger = Audit(database.dsn(postgres.ADMIN, name), workload), Ledger()
    producer = AIOKafkaProducer(
        bootstrap_servers=broker.bootstrap_servers, acks="all", enable_idempotence=broker.settings().idempotent, request_timeout_ms=120_000
    )
    sampler = Sampler(broker.bootstrap_servers, ledger, audit)
    world = World(workload, broker, database, name, folder, ledger, sampler, producer)
    servers = ExitStack()
    try:
        await asyncio.to_thread(_open_vectors, world, servers)
        await producer.start()
        await world.add_replica(failpoints).ready()
        await audit.install()
        async with _beside(sampler):
            yield world
    finally:
        for replica in (*world.replicas, *world.gone):
            replica.end()
        await producer.stop()
        await asyncio.to_thread(servers.close)


def _open_vectors(world: World, servers: ExitStack) -> None:
    """In a folder, or in a server that is gone when `servers` are closed, as the workload says."""
    if world.workload.vectors is VectorEngine.SERVER:
        world.vector_server = servers.enter_context(running_vectors(world.folder))
        world.vectors = world.vector_server.settings(DIMENSIONS)
    elif world.workload.vectors is VectorEngine.EDGE:
        world.vectors = VectorSettings(engine=VectorEngine.EDGE, path=world.folder / "vectors", dimensions=DIMENSIONS)


@asynccontextmanager
async def _beside(sampler: Sampler) -> AsyncIterator[None]:
    task = asyncio.create_task(sampler.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
