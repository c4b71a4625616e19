"""A broker and databases in memory, and consumer group members that drive the real Delivery and halt wherever a process may die."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from random import Random
from typing import Any
from zlib import crc32

from aiokafka import ConsumerRecord

from contracts.codec import Received, Record
from kit.ceiling import Ceiling, CeilingReached
from kit.clock import FakeClock
from kit.delivery import Again, Delivery
from kit.errors import DependencyDown
from kit.route import SOURCE, Headers, Route
from tests.chaos.store import Store, takes_one
from tests.events import NOW, consumed

PARTITIONS = 2
CEILING = 4
BLOCK = 8
BATCH = 3

Partition = tuple[str, int]
Position = tuple[str, int, int]
Log = list[ConsumerRecord[Any, Any]]


def position(record: ConsumerRecord[Any, Any]) -> Position:
    """Where a record stands."""
    return record.topic, record.partition, record.offset


@dataclass
class Broker:
    """Records and committed offsets. Topics are `refusing` records, or `silent` when they have taken one, so many times."""

    clock: FakeClock = field(default_factory=lambda: FakeClock(NOW))
    logs: dict[Partition, Log] = field(default_factory=lambda: defaultdict(list))
    committed: Counter[Partition] = field(default_factory=Counter)
    refusing: Counter[str] = field(default_factory=Counter)
    silent: Counter[str] = field(default_factory=Counter)
    lost_acknowledgements: int = 0

    def append(self, record: Record | ConsumerRecord[Any, Any], topic: str, headers: Headers) -> Position:
        """Puts a copy of the record with `headers` behind what `topic` has. Raises DependencyDown."""
        if takes_one(self.refusing, topic):
            raise DependencyDown("broker_down", f"{topic} takes nothing")
        place = topic, crc32(record.key) % PARTITIONS
        stamp, offset = int(self.clock.now().timestamp() * 1000), len(self.logs[place])
        sent = Record(topic, record.key, record.value or b"", ())
        copy = consumed(sent, value=record.value, headers=tuple(headers), partition=place[1], offset=offset, timestamp=stamp)
        self.logs[place].append(copy)
        if takes_one(self.silent, topic):
            self.lost_acknowledgements += 1
            raise DependencyDown("broker_down", f"{topic} does not answer")
        return position(copy)

    def of(self, topic: str) -> Iterator[ConsumerRecord[Any, Any]]:
        """All records of a topic."""
        for number in range(PARTITIONS):
            yield from self.logs[topic, number]

    def origin(self, record: ConsumerRecord[Any, Any]) -> ConsumerRecord[Any, Any]:
        """The record that was forwarded, as it was sent."""
        told = dict(record.headers[-BLOCK:])
        topic, partition, offset = (told[name].decode() for name in SOURCE)
        return self.logs[topic, int(partition)][int(offset)]


def identity(record: ConsumerRecord[Any, Any]) -> tuple[bytes | None, str]:
    """Id and digest of a record, in the form of `Store.outcomes`."""
    return dict(record.headers).get("ce_id"), sha256(record.value or b"").hexdigest()


@dataclass
class Member:
    """One process of a consumer group. It has at most one batch in hand, and halts at every failpoint unless it is `running`."""

    store: Store
    broker: Broker
    route: Route
    running: bool = True
    halted: bool = False
    stopped: bool = False
    task: "asyncio.Task[Again | None] | None" = None
    sharing: list[Received[Any]] | None = None

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """A fresh process."""
        handlers = dict.fromkeys(self.route.topic.events, self.handle)
        ceiling = Ceiling(in_a_row=CEILING)
        clock = self.broker.clock
        self.delivery = Delivery(self.route, handlers, self.refuse_if_handled, self, clock, Random(0), ceiling=ceiling, share=self.share)
        self.task, self.stopped = None, False

    async def take(self, records: Log, group: "Group", generation: int) -> Again | None:
        """Processes the first record, or some of the first together, and commits behind them, unless it must be read again."""
        outcome = await self.delivery.process_first(records)
        await self.failpoint()
        if isinstance(outcome, Again):
            assert outcome.after_s <= 60, "a record is held for more than a minute"
            group.put_back[position(records[0])] += 1
            return outcome
        group.deliveries.update(position(record) for record in records[1:outcome])
        group.commit(records[outcome - 1], generation)
        return None

    async def failpoint(self) -> None:
        """A place where the process may die, or stand still while others go on."""
        self.halted = not self.running
        while self.halted:
            await asyncio.sleep(0)

    async def handle(self, event: Received[Any]) -> None:
        """The handler."""
        self.store.work(event)
        await self.failpoint()
        if self.sharing is None:
            self.store.commit(event)
        else:
            self.sharing.append(event)
        await self.failpoint()

    @asynccontextmanager
    async def share(self, events: Sequence[Received[Any]]) -> AsyncIterator[Sequence[Received[Any]]]:
        """A transaction for several events."""
        fresh, self.sharing = self.store.fresh(events), []
        try:
            yield fresh
            self.store.commit_all(self.sharing)
            await self.failpoint()
        finally:
            self.sharing = None

    async def refuse_if_handled(self, event: Received[Any]) -> None:
        """The inbox, asked before the work."""
        self.store.refuse_if_handled(event)

    async def forward(self, topic: str, record: ConsumerRecord[Any, Any], headers: Headers) -> None:
        """The producer."""
        await self.failpoint()
        self.broker.append(record, topic, headers)
        await self.failpoint()

    async def on(self, run: bool) -> Again | None:
        """Lets the record in hand go to its next failpoint, or to its end with `run`; says what Delivery said if that was its end."""
        assert self.task is not None
        self.running, self.halted = run, False
        while not (self.task.done() or self.halted):
            await asyncio.sleep(0)
        if not self.task.done():
            return None
        done, self.task = self.task, None
        try:
            return await done
        except CeilingReached:
            self.stopped = True
            return None

    async def die(self) -> None:
        """Kill -9 where it stands, and a new start."""
        if self.task:
            self.task.cancel()
            await asyncio.wait({self.task})
        self.start()


@dataclass
class Group:
    """A service's members, and which of them has which partition. A commit of an earlier generation of a partition is refused."""

    route: Route
    broker: Broker
    store: Store
    members: list[Member]
    owner: Counter[Partition] = field(default_factory=Counter)
    generation: Counter[Partition] = field(default_factory=Counter)
    deliveries: Counter[Position] = field(default_factory=Counter)
    put_back: Counter[Position] = field(default_factory=Counter)
    disturbances: int = 0

    @property
    def partitions(self) -> list[Partition]:
        """All that it reads."""
        return [(topic, number) for topic in self.route.consumed for number in range(PARTITIONS)]

    def unread(self) -> list[Partition]:
        """Partitions with something to read."""
        return [place for place in self.partitions if self.broker.committed[place] < len(self.broker.logs[place])]

    def ready(self) -> list[Partition]:
        """Those of them whose owner has nothing in hand."""
        return [place for place in self.unread() if not (member := self.members[self.owner[place]]).task and not member.stopped]

    def commit(self, record: ConsumerRecord[Any, Any], generation: int) -> None:
        """Commits behind the record, if the member still has its partition."""
        if self.generation[record.topic, record.partition] == generation:
            self.broker.committed[record.topic, record.partition] = record.offset + 1

    def begin(self, place: Partition) -> Member:
        """The partition's owner takes the next records."""
        member, begin = self.members[self.owner[place]], self.broker.committed[place]
        records = self.broker.logs[place][begin : begin + BATCH]
        self.deliveries[position(records[0])] += 1
        member.task = asyncio.get_running_loop().create_task(member.take(records, self, self.generation[place]))
        return member

    async def deliver(self, place: Partition) -> Again | None:
        """The next records of a partition, without a halt."""
        return await self.begin(place).on(run=True)

    def move(self, place: Partition, to: int) -> None:
        """A rebalance; whoever has a record of the partition in hand does not hear of it."""
        self.owner[place] = to
        self.generation[place] += 1
        self.disturbances += 1
