"""Stories of deliveries, crashes, rebalances and outages in any order, for hypothesis to make up."""

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from contracts.codec import Record
from contracts.documents import DocumentDeletedV1
from contracts.topics import CHUNKS_EMBEDDED, DOCS_UPLOADED
from kit.delivery import TRIES
from kit.route import Route
from tests.chaos.invariants import check, check_at_rest, check_published
from tests.chaos.model import Broker, Group, Member, Partition, Position
from tests.chaos.store import FORBIDDEN, Store
from tests.events import record_of

T = TypeVar("T")

DOCUMENTS = st.sampled_from(["a", "b", "c"])
ANY = st.integers(0, 10_000)
GROUP = st.integers(0, 1)
POISON: tuple[dict[str, Any], ...] = (
    {"value": b"{not json"},
    {"value": None},
    {"headers": ()},
    {"headers": (("ce_id", None), ("ce_source", b"t"), ("ce_type", b"t"))},
    {"headers": (("ce_id", b"\xff"), ("ce_source", b"t"), ("ce_type", b"t"))},
    {"headers": (("ce_id", b"1"), ("ce_source", b"t"), ("ce_type", b"workbench.unheard.of.v9"))},
    {"headers": (("ce_id", b"2"), ("ce_source", b"t"), ("ce_type", b"workbench.chunks.deleted.v1"))},
)


class Stories(RuleBasedStateMachine):
    """Documents go through two services, ingest and indexer, of two members each, while everything happens to them that can."""

    store_type = Store
    member_type = Member

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.broker = Broker()
        self.ingest, self.indexer = self.group(Route(DOCS_UPLOADED, "ingest")), self.group(Route(CHUNKS_EMBEDDED, "indexer"))
        self.groups = (self.ingest, self.indexer)
        self.poison: set[Position] = set()
        self.version = 0
        self.ids = 0

    def group(self, route: Route) -> Group:
        """A service."""
        store = self.store_type()
        return Group(route, self.broker, store, [self.member_type(store, self.broker, route) for _ in range(2)])

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """What the coroutine gives."""
        return self.loop.run_until_complete(work)

    def publish(self, document: str, version: int, event_id: str | None = None) -> None:
        """Somebody publishes an event."""
        self.ids += 1
        record = record_of(DocumentDeletedV1(document_id=document, document_version=version), event_id or f"event-{self.ids}")
        self.broker.append(record, record.topic, record.headers)

    @rule(document=st.sampled_from(["a", "b", "c", "a", "b", "c", FORBIDDEN]), times=st.integers(1, 3))
    def send(self, document: str, times: int) -> None:
        """New versions of a document, which may be one that is refused."""
        for _ in range(times):
            self.version += 1
            self.publish(document, self.version)

    @precondition(lambda self: self.version > 1)
    @rule(document=DOCUMENTS, pick=ANY)
    def send_late(self, document: str, pick: int) -> None:
        """An older version comes after newer ones, as when it was queued again."""
        self.publish(document, 1 + pick % self.version)

    @precondition(lambda self: self.ids > 0)
    @rule(pick=ANY)
    def send_again(self, pick: int) -> None:
        """A producer that was not sure sends a record twice."""
        sent = list(self.broker.of(DOCS_UPLOADED.name))
        record = sent[pick % len(sent)]
        again = self.broker.append(record, record.topic, record.headers)
        if (record.topic, record.partition, record.offset) in self.poison:
            self.poison.add(again)

    @precondition(lambda self: self.ids > 0)
    @rule(document=DOCUMENTS, pick=ANY)
    def reuse_an_id(self, document: str, pick: int) -> None:
        """A broken producer gives an old id to another fact."""
        self.version += 1
        self.publish(document, self.version, f"event-{1 + pick % self.ids}")

    @rule(document=DOCUMENTS, changes=st.sampled_from(POISON))
    def send_poison(self, document: str, changes: dict[str, Any]) -> None:
        """A record nobody can read."""
        good = record_of(DocumentDeletedV1(document_id=document, document_version=1))
        bad: Record = replace(good, **changes)
        self.poison.add(self.broker.append(bad, bad.topic, bad.headers))

    @property
    def ready(self) -> list[tuple[Group, Partition]]:
        """What somebody could process next."""
        return [(group, place) for group in self.groups for place in group.ready()]

    @precondition(lambda self: self.ready)
    @rule(pick=ANY)
    def deliver(self, pick: int) -> None:
        """Somebody processes a record."""
        group, place = self.ready[pick % len(self.ready)]
        self.wait(group.deliver(place))

    @rule(rounds=st.integers(1, 5))
    def carry_on(self, rounds: int) -> None:
        """Everybody works for a while."""
        for _ in range(rounds):
            self.round()

    def round(self) -> None:
        """What stands is started, the relay publishes, and every partition is worked on once; who is told to wait does."""
        self.restart()
        if self.ingest.store.outbox:
            self.relay(100, crashes=False)
        for group, place in self.ready:
            if place in group.ready() and (again := self.wait(group.deliver(place))):
                self.time(again.after_s)

    @precondition(lambda self: self.ready)
    @rule(pick=ANY, steps=st.integers(1, 4))
    def begin(self, pick: int, steps: int) -> None:
        """Somebody takes a record, and comes as far as one of the failpoints."""
        group, place = self.ready[pick % len(self.ready)]
        self.wait(self._walk(group, place, steps))

    async def _walk(self, group: Group, place: Partition, steps: int) -> None:
        member = group.begin(place)
        for _ in range(steps):
            if member.task:
                await member.on(run=False)

    @property
    def busy(self) -> list[Member]:
        """Who has a record in hand."""
        return [member for group in self.groups for member in group.members if member.task]

    @precondition(lambda self: self.busy)
    @rule(pick=ANY, run=st.booleans())
    def go_on(self, pick: int, run: bool) -> None:
        """A member that stands at a failpoint goes on; meanwhile it may have lost its partition."""
        self.wait(self.busy[pick % len(self.busy)].on(run))

    @precondition(lambda self: self.busy)
    @rule(pick=ANY)
    def crash(self, pick: int) -> None:
        """Kill -9 at a failpoint."""
        member = self.busy[pick % len(self.busy)]
        self.wait(member.die())
        next(group for group in self.groups if member in group.members).disturbances += 1

    @rule(which=GROUP, pick=ANY)
    def rebalance(self, which: int, pick: int) -> None:
        """A partition goes to the other member; a record of it in hand stays in hand."""
        group = self.groups[which]
        place = group.partitions[pick % len(group.partitions)]
        group.move(place, 1 - group.owner[place])

    @rule(which=GROUP, times=st.integers(1, 5))
    def database_is_away(self, which: int, times: int) -> None:
        """It does not answer so many times."""
        self.groups[which].store.away = times

    @rule(which=GROUP, document=DOCUMENTS, times=st.sampled_from([1, 2, TRIES, 2 * TRIES, 3 * TRIES, 20]))
    def work_fails(self, which: int, document: str, times: int) -> None:
        """The work on a document fails so many times more."""
        self.groups[which].store.failing[document] = times

    @rule(which=GROUP, pick=ANY, times=st.integers(1, 3), silent=st.booleans())
    def topic_is_away(self, which: int, pick: int, times: int, silent: bool) -> None:
        """A retry or dead letter topic does not take records so many times, or takes them and does not say so."""
        route = self.groups[which].route
        ways = (*route.waiting, route.dead_letters)
        (self.broker.silent if silent else self.broker.refusing)[ways[pick % len(ways)]] = times

    @rule(seconds=st.sampled_from([5, 30, 300]))
    def time(self, seconds: int) -> None:
        """Passes."""
        self.wait(self.broker.clock.sleep(seconds))

    @precondition(lambda self: self.ingest.store.outbox)
    @rule(count=st.integers(1, 5), crashes=st.booleans())
    def relay(self, count: int, crashes: bool) -> None:
        """Publishes the oldest of the outbox; it may die before it removes them."""
        batch = self.ingest.store.outbox[:count]
        for record in batch:
            self.broker.append(record, record.topic, record.headers)
        if not crashes:
            del self.ingest.store.outbox[: len(batch)]

    @precondition(lambda self: any(member.stopped for group in self.groups for member in group.members))
    @rule()
    def restart(self) -> None:
        """Somebody looks at the dead letters, and starts what the ceiling stopped."""
        for group in self.groups:
            for member in group.members:
                if member.stopped:
                    member.start()
                    group.disturbances += 1

    @invariant()
    def holds(self) -> None:
        """What must always hold."""
        for group in self.groups:
            check(group, self.poison)
        check_published(self.ingest, self.indexer)

    def heal(self) -> None:
        """Everything works again."""
        self.broker.refusing.clear()
        self.broker.silent.clear()
        for group in self.groups:
            group.store.away = 0
            group.store.failing.clear()
        for member in self.busy:
            self.wait(member.on(run=True))

    def drain(self) -> None:
        """Reads on until there is nothing left to read."""
        for _ in range(1_000):
            self.round()
            if not (self.ingest.store.outbox or any(group.unread() for group in self.groups)):
                return
        raise AssertionError("it does not come to rest")

    def teardown(self) -> None:
        """The end of each story: all heals, and what was sent has had its effect or lies in a dead letter topic."""
        try:
            self.heal()
            self.drain()
            for group in self.groups:
                check_at_rest(group, self.poison)
            check_published(self.ingest, self.indexer)
        finally:
            self.loop.close()
