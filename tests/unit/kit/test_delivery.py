"""The failure policy, record by record."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from aiokafka import ConsumerRecord
from faststream.exceptions import AckMessage, NackMessage
from faststream.kafka.message import KafkaMessage

from contracts.codec import Received
from contracts.evals import EvalRequestedV1
from contracts.topics import EVAL_REQUESTED
from kit.clock import FakeClock
from kit.delivery import TRIES, Delivery
from kit.errors import DependencyDown, Permanent, Transient
from kit.inbox import AlreadyHandled
from tests.events import consumed, record_of

EVENT = EvalRequestedV1(eval_id=uuid4(), dataset="handbook", candidate="b")


@dataclass
class Bench:
    """A delivery with a handler that fails as told, once for each error."""

    failures: list[Exception] = field(default_factory=list)
    dlq_is_down: bool = False
    handled: list[Received[Any]] = field(default_factory=list)
    buried: list[tuple[str, ConsumerRecord[Any, Any], dict[str, bytes]]] = field(default_factory=list)
    clock: FakeClock = field(default_factory=FakeClock)

    async def handle(self, event: Received[Any]) -> None:
        """The handler."""
        if self.failures:
            raise self.failures.pop(0)
        self.handled.append(event)

    async def refuse_if_handled(self, event: Received[Any]) -> None:
        """The inbox."""
        if any(event.envelope.id == earlier.envelope.id for earlier in self.handled):
            raise AlreadyHandled

    async def forward(self, topic: str, record: ConsumerRecord[Any, Any], headers: Sequence[tuple[str, bytes]]) -> None:
        """The dead letter topic."""
        if self.dlq_is_down:
            raise DependencyDown("broker_down", "away")
        self.buried.append((topic, record, dict(headers)))

    async def deliver(self, record: ConsumerRecord[Any, Any]) -> None:
        """Gives the delivery one record, as FastStream does."""
        handlers = {EvalRequestedV1: self.handle}
        delivery = Delivery(EVAL_REQUESTED, "evaluator", handlers, self.refuse_if_handled, self, self.clock, Random(0))
        await delivery(KafkaMessage(body=b"", raw_message=record, consumer=None))  # type: ignore[arg-type]


async def test_a_good_event_is_handled_once_and_committed() -> None:
    """No exception means that FastStream commits the offset."""
    bench = Bench()

    await bench.deliver(consumed(record_of(EVENT)))

    assert [event.data for event in bench.handled] == [EVENT]


async def test_an_event_delivered_again_has_no_second_effect() -> None:
    """The inbox knows it."""
    bench, record = Bench(), consumed(record_of(EVENT))
    await bench.deliver(record)

    await bench.deliver(record)

    assert len(bench.handled) == 1
    assert not bench.buried


async def test_a_permanent_failure_is_dead_lettered_at_once() -> None:
    """No second try, and the reason stands in the headers."""
    bench = Bench(failures=[Permanent("too_odd", "change it")])

    with pytest.raises(AckMessage):
        await bench.deliver(consumed(record_of(EVENT)))

    [(topic, record, headers)] = bench.buried
    assert topic == "eval.requested.evaluator.dlq"
    assert record.value == EVENT.model_dump_json().encode()
    assert headers["x-error-code"] == b"too_odd"
    assert headers["x-source-offset"] == b"7"
    assert bench.clock.slept == []


async def test_a_transient_failure_is_tried_again_with_growing_pauses() -> None:
    """Two failures, then the effect."""
    bench = Bench(failures=[Transient("busy", "later")] * 2)

    await bench.deliver(consumed(record_of(EVENT)))

    assert len(bench.handled) == 1
    assert len(bench.clock.slept) == 2
    assert bench.clock.slept[0] < bench.clock.slept[1]


async def test_a_failure_that_stays_is_dead_lettered_after_three_tries() -> None:
    """What nobody foresaw counts as transient."""
    bench = Bench(failures=[RuntimeError("surprise")] * TRIES)

    with pytest.raises(AckMessage):
        await bench.deliver(consumed(record_of(EVENT)))

    assert bench.buried[0][2]["x-error-message"] == b"RuntimeError: surprise"
    assert not bench.handled


async def test_a_dependency_that_is_down_holds_the_record_and_never_dead_letters_it() -> None:
    """NackMessage makes FastStream read the record again."""
    bench = Bench(failures=[DependencyDown("qdrant_down", "away")])

    with pytest.raises(NackMessage):
        await bench.deliver(consumed(record_of(EVENT)))

    assert not bench.buried
    assert 0 < sum(bench.clock.slept) <= 60


async def test_a_record_is_held_while_its_dead_letter_topic_is_away() -> None:
    """It is neither lost nor committed."""
    bench = Bench(failures=[Permanent("too_odd", "change it")], dlq_is_down=True)

    with pytest.raises(NackMessage):
        await bench.deliver(consumed(record_of(EVENT)))

    assert sum(bench.clock.slept) > 0


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

    with pytest.raises(AckMessage):
        await bench.deliver(record)

    assert bench.buried[0][1] is record
    assert bench.buried[0][2]["x-error-code"] == code
