"""The failure policy, record by record."""

from datetime import timedelta
from typing import Any

import pytest

from kit.ceiling import CeilingReached
from kit.delivery import TRIES
from kit.errors import DependencyDown, Permanent, Rejected, Transient
from tests.events import consumed, record_of
from tests.unit.kit.deliveries import EVENT, Bench


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
