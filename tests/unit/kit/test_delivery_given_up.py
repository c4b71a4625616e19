"""An event that nobody will try again: its service is told."""

from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest

from kit.delivery import TRIES
from kit.errors import Permanent, Rejected, Transient
from tests.events import consumed, received, record_of
from tests.unit.kit.deliveries import EVENT, Bench


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
