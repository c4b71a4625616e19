"""Two services that read one topic of a test's own, on a real broker: one of them fails until it is mended."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import uuid4

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from faststream.asgi import AsgiFastStream
from pydantic import SecretStr

from contracts.codec import Received, Record
from contracts.evals import EvalRequestedV1
from contracts.topics import EVAL_REQUESTED, Topic
from kit.errors import Permanent
from kit.floor import Floor
from kit.route import Route
from kit.settings import PostgresSettings, ServiceSettings
from kit.worker import Wiring, make_worker
from tests.brokers import Broker
from tests.events import record_of
from workbench.records import committed, reading
from workbench.stack.servers import Servers

FAILING, OTHER = "evaluator", "feedback"
WITHIN_S = 120


@dataclass
class Handler:
    """Counts its effects by eval id; while `broken`, it takes none of them."""

    floor: Floor | None = None
    broken: bool = False
    effects: Counter[str] = field(default_factory=Counter)

    async def handle(self, event: Received[Any]) -> None:
        """The handler, with the inbox in its transaction."""
        assert self.floor is not None
        async with self.floor.effects.once(event):
            if self.broken:
                raise Permanent("too_odd", "mend the handler")
            self.effects[str(event.data.eval_id)] += 1


@dataclass(frozen=True)
class Bench:
    """A topic with both groups at work on it."""

    broker: Broker
    topic: Topic
    failing: Handler
    other: Handler

    @property
    def route(self) -> Route:
        """The way of the group that fails."""
        return Route(self.topic, FAILING)

    async def handled(self) -> None:
        """Returns when both groups have done all that is in the topic."""
        async with asyncio.timeout(WITHIN_S), reading(self.broker.bootstrap_servers, peek=True) as records:
            while await self._behind(records.partitions[self.topic.name], records):
                await asyncio.sleep(0.1)

    async def _behind(self, partitions: Sequence[Any], records: Any) -> bool:
        ends = await records.extents([self.topic.name])
        for group in (FAILING, OTHER):
            done = await committed(self.broker.bootstrap_servers, group, partitions)
            if any((done[partition] or 0) < extent.end for partition, extent in ends.items()):
                return True
        return False


def requests(topic: Topic, count: int) -> dict[str, Record]:
    """Records for `topic` by their eval id, with a header that no text codec reads."""
    events = [EvalRequestedV1(eval_id=uuid4(), dataset="handbook", candidate="b") for _ in range(count)]
    odd = (("x-odd", b"\xff\x00"),)
    sent = {str(event.eval_id): record_of(event) for event in events}
    return {key: replace(record, topic=topic.name, headers=(*record.headers, *odd)) for key, record in sent.items()}


@asynccontextmanager
async def bench(broker: Broker, database: Servers) -> AsyncIterator[Bench]:
    """Both groups at work on a topic of their own; the first is broken."""
    topic = replace(EVAL_REQUESTED, name=f"requested-{uuid4().hex[:8]}", partitions=2)
    ways = (Route(topic, FAILING), Route(topic, OTHER))
    await _make(broker, [name for way in ways for name in (*way.consumed, way.dead_letters)])
    failing, other = Handler(broken=True), Handler()
    async with AsyncExitStack() as stack:
        for group, handler in ((FAILING, failing), (OTHER, other)):
            postgres = PostgresSettings(dsn=SecretStr(database.dsn(group)))
            worker = _worker(group, ServiceSettings(kafka=broker.settings(), postgres=postgres), topic, handler)
            await stack.enter_async_context(_running(worker))
        yield Bench(broker, topic, failing, other)


@asynccontextmanager
async def _running(app: AsgiFastStream) -> AsyncIterator[None]:
    """In a task of its own: a fixture is left in another task than it was entered in, which an app's own context does not bear."""
    started, stop = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        async with app.start_lifespan_context():
            started.set()
            await stop.wait()

    task = asyncio.create_task(work())
    try:
        await asyncio.wait_for(started.wait(), WITHIN_S)
        yield
    finally:
        stop.set()
        await task


def _worker(group: str, settings: ServiceSettings, topic: Topic, handler: Handler) -> AsgiFastStream:
    @asynccontextmanager
    async def wire(floor: Floor) -> AsyncIterator[Wiring]:
        handler.floor = floor
        yield Wiring({topic: {EvalRequestedV1: handler.handle}})

    return make_worker(group, settings, wire)


async def _make(broker: Broker, names: Sequence[str]) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, 2, 1) for name in dict.fromkeys(names)])
    finally:
        await admin.close()
