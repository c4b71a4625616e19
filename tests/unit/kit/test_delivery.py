"""The failure policy, record by record."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from aiokafka import ConsumerRecord

from contracts.base import Event
from contracts.codec import Received
from contracts.evals import EvalRequestedV1
from contracts.topics import EVAL_REQUESTED
from kit.ceiling import Ceiling, CeilingReached
from kit.clock import FakeClock
from kit.delivery import TRIES, Delivery
from kit.errors import DependencyDown, Permanent, Rejected, Transient, WorkbenchError
from kit.inbox import AlreadyHandled
from kit.route import Headers, Route
from tests.events import NOW, consumed, received, record_of

ROUTE = Route(EVAL_REQUESTED, "evaluator")
EVENT = EvalRequestedV1(eval_id=uuid4(), dataset="handbook", candidate="b")


@dataclass
class Bench:
    """A delivery with a handler that fails as told, once for each error; `forwarded` lists what went to which topic."""

    failures: list[Exception] = field(default_factory=list)
    broker_is_down: bool = False
    handled: list[Received[Any]] = field(default_factory=list)
    forwarded: list[tuple[str, ConsumerRecord[Any, Any]]] = field(default_factory=list)
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOW))
    timeout_s: float = 60.0
    hangs: bool = False
    refuses_to_give_up: list[Exception] = field(default_factory=list)

    def __post_init__(self) -> None:
        handlers = {EvalRequestedV1: self.handle}
        self.given_up: list[tuple[Event, str]] = []
        given_up = {EvalRequestedV1: self.give_up}
        self.delivery = Delivery(ROUTE, handlers, self.refuse_if_handled, self, self.clock, Random(0), self.timeout_s, Ceiling(), given_up)

    async def give_up(self, event: Received[Any], failure: WorkbenchError) -> None:
        """What the service does with an event that nobody will try again."""
        if self.refuses_to_give_up:
            raise self.refuses_to_give_up.pop(0)
        self.given_up.append((event.data, failure.code))

    async def handle(self, event: Received[Any]) -> None:
        """The handler."""
        if self.hangs:
            await asyncio.sleep(60)
        if self.failures:
            raise self.failures.pop(0)
        self.handled.append(event)

    async def refuse_if_handled(self, event: Received[Any]) -> None:
        """The inbox."""
        if any(event.envelope.id == earlier.envelope.id for earlier in self.handled):
            raise AlreadyHandled

    async def forward(self, topic: str, record: ConsumerRecord[Any, Any], headers: Headers) -> None:
        """The broker: what a reader of `topic` would get."""
        if self.broker_is_down:
            raise DependencyDown("broker_down", "away")
        stamp = int(self.clock.now().timestamp() * 1000)
        self.forwarded.append((topic, replace(record, topic=topic, headers=tuple(headers), timestamp=stamp, offset=0)))

    @property
    def last(self) -> tuple[str, dict[str, bytes | None]]:
        """Where the last record went, and its headers."""
        topic, record = self.forwarded[-1]
        return topic, dict(record.headers)


async def test_a_good_event_is_handled_once_and_committed() -> None:
    """None says that the offset may be committed."""
    bench = Bench()

    again = await bench.delivery.process(consumed(record_of(EVENT)))

    assert again is None
    assert [event.data for event in bench.handled] == [EVENT]


async def test_an_event_delivered_again_has_no_second_effect() -> None:
    """The inbox knows it."""
    bench, record = Bench(), consumed(record_of(EVENT))
    await bench.delivery.process(record)

    await bench.delivery.process(record)

    assert len(bench.handled) == 1
    assert not bench.forwarded


async def test_a_permanent_failure_is_dead_lettered_at_once() -> None:
    """No second try, and the reason stands in the headers, behind those it was sent with."""
    bench, record = Bench(failures=[Permanent("too_odd", "change it")]), consumed(record_of(EVENT))

    again = await bench.delivery.process(record)

    topic, headers = bench.last
    assert (again, topic) == (None, "eval.requested.evaluator.dlq")
    assert bench.forwarded[0][1].value == record.value
    assert bench.forwarded[0][1].headers[: len(record.headers)] == record.headers
    assert (headers["x-error-code"], headers["x-source-offset"], headers["x-attempts"]) == (b"too_odd", b"7", b"1")
    assert bench.clock.slept == []


async def test_a_transient_failure_is_tried_again_with_growing_pauses() -> None:
    """Two failures, then the effect."""
    bench = Bench(failures=[Transient("busy", "later")] * 2)

    await bench.delivery.process(consumed(record_of(EVENT)))

    assert len(bench.handled) == 1
    assert len(bench.clock.slept) == 2
    assert bench.clock.slept[0] < bench.clock.slept[1]


async def test_a_failure_that_stays_goes_through_the_retry_topics_to_the_dead_letters() -> None:
    """Each time with the headers it was sent with and one block more, which counts the tries; what nobody foresaw counts as transient."""
    bench, record = Bench(failures=[RuntimeError("surprise")] * 3 * TRIES), consumed(record_of(EVENT))
    for delay in (0, 30, 300):
        bench.clock.time += timedelta(seconds=delay)
        await bench.delivery.process(bench.forwarded[-1][1] if bench.forwarded else record)

    topics = [topic.removeprefix("eval.requested.evaluator.") for topic, _ in bench.forwarded]
    assert topics == ["retry-30s", "retry-5m", "dlq"]
    assert {forwarded.headers[: len(record.headers)] for _, forwarded in bench.forwarded} == {record.headers}
    assert {len(forwarded.headers) for _, forwarded in bench.forwarded} == {len(record.headers) + 8}
    assert [dict(forwarded.headers)["x-attempts"] for _, forwarded in bench.forwarded] == [b"3", b"6", b"9"]
    assert {dict(forwarded.headers)["x-source-topic"] for _, forwarded in bench.forwarded} == {b"eval.requested"}
    assert bench.last[1]["x-error-message"] == b"RuntimeError: surprise"


async def test_a_record_that_waits_is_not_touched_before_its_time() -> None:
    """It is read again when it is due, and then has its effect."""
    bench = Bench(failures=[Transient("busy", "later")] * TRIES)
    await bench.delivery.process(consumed(record_of(EVENT)))
    waiting = bench.forwarded[-1][1]

    early = await bench.delivery.process(waiting)
    bench.clock.time += timedelta(seconds=30)
    due = await bench.delivery.process(waiting)

    assert early is not None
    assert 29 < early.after_s <= 30
    assert due is None
    assert len(bench.handled) == 1


async def test_a_handler_that_hangs_is_cut_off() -> None:
    """It may not outlast the group's patience."""
    bench = Bench(timeout_s=0.01, hangs=True)

    await bench.delivery.process(consumed(record_of(EVENT)))

    assert bench.last[1]["x-error-code"] == b"handler_timeout"


async def test_a_dependency_that_is_down_holds_the_record_and_never_forwards_it() -> None:
    """It is read again within a minute."""
    bench = Bench(failures=[DependencyDown("qdrant_down", "away")])

    again = await bench.delivery.process(consumed(record_of(EVENT)))

    assert again is not None
    assert 0 < again.after_s <= 60
    assert not bench.forwarded


async def test_a_record_is_held_while_its_next_topic_is_away() -> None:
    """It is neither lost nor committed."""
    bench = Bench(failures=[Permanent("too_odd", "change it")], broker_is_down=True)

    again = await bench.delivery.process(consumed(record_of(EVENT)))

    assert again is not None


async def test_a_record_replayed_for_another_group_is_skipped() -> None:
    """Only the group that could not handle it does it again."""
    bench, record = Bench(), record_of(EVENT)
    others = consumed(record, headers=(*record.headers, ("x-replay-for", b"feedback")))
    own = consumed(record, headers=(*record.headers, ("x-replay-for", b"evaluator")))

    assert await bench.delivery.process(others) is None
    assert bench.handled == []
    await bench.delivery.process(own)
    assert len(bench.handled) == 1


async def test_ten_dead_letters_in_a_row_stop_the_consumer() -> None:
    """The tenth stays on its topic."""
    bench = Bench(failures=[Permanent("too_odd", "change it")] * 10)
    for _ in range(9):
        await bench.delivery.process(consumed(record_of(EVENT)))

    with pytest.raises(CeilingReached):
        await bench.delivery.process(consumed(record_of(EVENT)))

    assert len(bench.forwarded) == 9


async def test_a_dead_letter_topic_that_is_away_does_not_stop_the_consumer() -> None:
    """What is held has not gone anywhere, however often it is read again."""
    bench, record = Bench(failures=[Permanent("too_odd", "change it")] * 13, broker_is_down=True), consumed(record_of(EVENT))
    for _ in range(12):
        assert await bench.delivery.process(record) is not None
    bench.broker_is_down = False

    again = await bench.delivery.process(record)

    assert again is None
    assert len(bench.forwarded) == 1


async def test_documents_that_are_refused_do_not_stop_the_consumer() -> None:
    """Their senders have been told, and the next document may be good."""
    bench = Bench(failures=[Rejected("document_encrypted", "send it without a password")] * 15)

    for _ in range(15):
        await bench.delivery.process(consumed(record_of(EVENT)))

    assert len(bench.forwarded) == 15


async def test_an_event_that_is_given_up_is_told_to_its_service_before_it_is_dead_lettered() -> None:
    """After the last try of the last retry topic, and only then."""
    bench = Bench(failures=[Transient("busy", "later")] * 3 * TRIES)
    for delay in (0, 30, 300):
        assert bench.given_up == []
        bench.clock.time += timedelta(seconds=delay)
        await bench.delivery.process(bench.forwarded[-1][1] if bench.forwarded else consumed(record_of(EVENT)))

    assert bench.given_up == [(EVENT, "busy")]


async def test_an_event_that_can_never_be_handled_is_given_up_as_well() -> None:
    """Whoever waits for it hears of it, and once."""
    bench = Bench(failures=[asyncpg.UntranslatableCharacterError("\\u0000 cannot be converted to text")])

    await bench.delivery.process(consumed(record_of(EVENT)))

    assert bench.given_up == [(EVENT, "value_unstorable")]
    assert bench.last[0] == "eval.requested.evaluator.dlq"


async def test_an_event_whose_sender_was_told_is_not_given_up_again() -> None:
    """Its service has done so."""
    bench = Bench(failures=[Rejected("document_encrypted", "send it without a password")])

    await bench.delivery.process(consumed(record_of(EVENT)))

    assert (bench.given_up, len(bench.forwarded)) == ([], 1)


async def test_an_event_under_the_id_of_another_gives_nothing_up() -> None:
    """What it names may be somebody else's, whose effect stands."""
    bench = Bench(failures=[Permanent("event_id_reused", "give every event an id of its own")])
    event_id = str(uuid4())
    bench.handled = [received(EVENT, event_id)]

    await bench.delivery._give_up(consumed(record_of(EVENT, event_id)), bench.failures[0])  # type: ignore[arg-type]

    assert bench.given_up == []


@pytest.mark.parametrize(
    ("error", "forwarded"),
    [(asyncpg.PostgresConnectionError("away"), 0), (asyncpg.DataError("a number beyond 32 bits"), 1)],
    ids=["not now", "never"],
)
async def test_a_record_is_held_until_it_can_be_noted_that_it_is_given_up(error: Exception, forwarded: int) -> None:
    """Unless that can never be noted: the dead letters then have it all the same."""
    bench = Bench(failures=[Permanent("too_odd", "change it")], refuses_to_give_up=[error])

    again = await bench.delivery.process(consumed(record_of(EVENT)))

    assert (again is None, len(bench.forwarded)) == (bool(forwarded), forwarded)


async def test_a_fifth_of_the_last_records_dead_lettered_stops_the_consumer() -> None:
    """Though good ones come between."""
    bench = Bench()
    with pytest.raises(CeilingReached):
        for number in range(200):
            bench.failures = [Permanent("too_odd", "change it")] if number % 4 == 0 else []
            await bench.delivery.process(consumed(record_of(EVENT)))

    assert len(bench.forwarded) == 39


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"value": b"{not json"}, b"data_invalid"),
        ({"value": None}, b"tombstone"),
        ({"headers": ()}, b"headers_missing"),
        ({"headers": (("ce_id", None), ("ce_source", b"t"), ("ce_type", b"t"))}, b"header_invalid"),
        ({"headers": (("ce_id", b"\xff"), ("ce_source", b"t"), ("ce_type", b"t"))}, b"header_invalid"),
        ({"headers": (("ce_id", b"1"), ("ce_source", b"t"), ("ce_type", b"workbench.unheard.of.v9"))}, b"type_unknown"),
        ({"headers": (("ce_id", b"1"), ("ce_source", b"t"), ("ce_type", b"workbench.docs.deleted.v1"))}, b"data_invalid"),
    ],
)
async def test_a_poison_record_is_dead_lettered_with_its_reason(changes: dict[str, Any], code: bytes) -> None:
    """Whatever is wrong with it, its bytes are kept."""
    bench, record = Bench(), consumed(record_of(EVENT), **changes)

    await bench.delivery.process(record)

    topic, dead = bench.forwarded[-1]
    assert topic == "eval.requested.evaluator.dlq"
    assert (dead.key, dead.value, dead.headers[: len(record.headers)]) == (record.key, record.value, record.headers)
    assert bench.last[1]["x-error-code"] == code
