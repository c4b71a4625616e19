"""Records that come together have their effects in one transaction, as long as nothing is wrong with any of them."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import ConsumerRecord

from contracts.codec import Received
from contracts.evals import EvalRequestedV1
from contracts.topics import EVAL_REQUESTED
from kit.clock import FakeClock
from kit.delivery import Again, Delivery
from kit.errors import DependencyDown, Permanent, WorkbenchError
from kit.inbox import AlreadyHandled
from kit.route import REPLAY_FOR, Headers, Route
from tests.events import NOW, consumed, record_of


@dataclass
class Bench:
    """A service whose transactions are dictionaries; `shared` lists how many events came to each shared one, whether it held or not.

    Another member handles what is `overtaken` while the first transaction is open.
    """

    failures: dict[str, WorkbenchError] = field(default_factory=dict)
    is_down: bool = False
    committed: list[str] = field(default_factory=list)
    shared: list[int] = field(default_factory=list)
    forwarded: list[str] = field(default_factory=list)
    overtaken: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        route, handlers = Route(EVAL_REQUESTED, "evaluator"), {EvalRequestedV1: self.handle}
        self.delivery = Delivery(route, handlers, self.refuse, self, FakeClock(NOW), Random(0), share=self.share)
        self.open: list[str] | None = None

    @asynccontextmanager
    async def share(self, events: Sequence[Received[Any]]) -> AsyncIterator[Sequence[Received[Any]]]:
        self.shared.append(len(events))
        if self.is_down:
            raise DependencyDown("postgres_down", "away")
        self.open = []
        try:
            yield [event for event in events if event.data.dataset not in self.committed]
            if self.overtaken:
                self.committed.append(self.overtaken.pop())
                raise AlreadyHandled(self.committed[-1])
            self.committed += self.open
        finally:
            self.open = None

    async def handle(self, event: Received[Any]) -> None:
        if event.data.dataset in self.failures:
            raise self.failures[event.data.dataset]
        (self.committed if self.open is None else self.open).append(event.data.dataset)

    async def refuse(self, event: Received[Any]) -> None:
        if self.is_down:
            raise DependencyDown("postgres_down", "away")
        if event.data.dataset in self.committed:
            raise AlreadyHandled

    async def forward(self, topic: str, record: ConsumerRecord[Any, Any], headers: Headers) -> None:
        self.forwarded.append(topic)

    async def all(self, records: Sequence[ConsumerRecord[Any, Any]]) -> None:
        """Processes one turn after another, as a member does."""
        while records:
            outcome = await self.delivery.process_first(records)
            assert not isinstance(outcome, Again)
            records = records[outcome:]


def records(*names: str) -> list[ConsumerRecord[Any, Any]]:
    """An evaluation request of each name."""
    return [consumed(record_of(EvalRequestedV1(eval_id=uuid4(), dataset=name, candidate="b"))) for name in names]


async def test_records_that_come_together_share_a_transaction() -> None:
    """In their order."""
    bench = Bench()

    await bench.all(records("a", "b", "c"))

    assert bench.shared == [3]
    assert bench.committed == ["a", "b", "c"]


async def test_what_was_handled_before_is_not_handled_again() -> None:
    """A batch that is delivered again costs one transaction, not one for each of its records."""
    bench = Bench(committed=["a", "b"])

    await bench.all(records("a", "b", "c"))

    assert bench.shared == [3]
    assert bench.committed == ["a", "b", "c"]


async def test_a_record_that_fails_is_parted_from_the_others() -> None:
    """It has its own fate, and theirs is as if it had not been there."""
    bench = Bench({"d": Permanent("too_odd", "change it")})

    await bench.all(records("a", "b", "c", "d", "e", "f"))

    assert bench.committed == ["a", "b", "c", "e", "f"]
    assert bench.shared == [6, 3, 3, 2]
    assert bench.forwarded == ["eval.requested.evaluator.dlq"]


async def test_what_another_member_handled_meanwhile_parts_the_others_from_it() -> None:
    """As when a partition changes hands while its records are in hand: the transaction finds it, and each then has its own."""
    bench = Bench(overtaken=["b"])

    await bench.all(records("a", "b", "c"))

    assert (bench.shared, bench.committed, bench.forwarded) == ([3, 2], ["b", "a", "c"], [])


async def test_a_record_that_cannot_be_read_ends_those_that_go_together() -> None:
    """Poison never spoils a transaction."""
    bench = Bench()
    first, second, *rest = records("a", "b", "c", "d")
    poison = consumed(record_of(EvalRequestedV1(eval_id=uuid4(), dataset="x", candidate="b")), value=b"{")
    for_others = consumed(record_of(EvalRequestedV1(eval_id=uuid4(), dataset="y", candidate="b")), headers=((REPLAY_FOR, b"feedback"),))

    await bench.all([first, second, poison, for_others, *rest])

    assert bench.shared == [2, 2]
    assert bench.committed == ["a", "b", "c", "d"]
    assert bench.forwarded == ["eval.requested.evaluator.dlq"]


async def test_a_dependency_that_is_down_is_asked_once_and_holds_the_first_record() -> None:
    """Trying fewer together would not help."""
    bench = Bench(is_down=True)

    outcome = await bench.delivery.process_first(records("a", "b", "c", "d"))

    assert isinstance(outcome, Again)
    assert bench.shared == [4]


@pytest.mark.parametrize("count", [1, 2])
async def test_without_a_shared_transaction_each_record_has_its_own(count: int) -> None:
    """As for handlers that do more than write."""
    bench = Bench()
    alone = Delivery(bench.delivery.route, bench.delivery.handlers, bench.refuse, bench, FakeClock(NOW), Random(0))

    outcome = await alone.process_first(records("a", "b")[:count])

    assert outcome == 1
    assert (bench.shared, bench.committed) == ([], ["a"])
