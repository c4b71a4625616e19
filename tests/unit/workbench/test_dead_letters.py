"""Dead letters without a broker: what they say, which are chosen, how fast they go, and how they look."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from rich.console import Console

from contracts.evals import EvalRequestedV1
from contracts.topics import EVAL_REQUESTED
from kit.clock import FakeClock
from kit.errors import Permanent
from kit.route import Route
from tests.events import NOW, consumed, record_of
from workbench.cli.render.dead_letters import content, described
from workbench.cli.render.dead_letters import letter as render_letter
from workbench.dead_letters import FOREIGN, DeadLetter, Pace, Selection, dead_letter, tallies
from workbench.settlements import Place, Settled, Settlement

ROUTE = Route(EVAL_REQUESTED, "evaluator")
SETTLEMENT = Settlement(Settled.REPLAYED, "for evaluator", "ada", NOW)


def a_letter(offset: int = 0, code: str = "too_odd", settlement: Settlement | None = None, **changes: Any) -> DeadLetter:
    """A record that failed and was put into the DLQ at `offset`."""
    sent = consumed(record_of(EvalRequestedV1(eval_id=uuid4(), dataset="d", candidate="c")), **changes)
    headers = ROUTE.forwarded(sent, Permanent(code, "change \x1b[31mit"), 1, NOW)
    dead = replace(sent, topic=ROUTE.dead_letters, headers=tuple(headers), offset=offset, timestamp=int(NOW.timestamp() * 1000))
    return replace(dead_letter(ROUTE, dead), settlement=settlement)


def test_a_dead_letter_tells_why_it_failed_and_what_it_was_sent_with() -> None:
    """The block that delivery put behind the headers is apart from them."""
    letter = a_letter(3, headers=(("poison", None), ("x-error-code", b"of the sender")))

    assert letter.headers == (("poison", None), ("x-error-code", b"of the sender"))
    assert (letter.place, letter.code, letter.time, letter.why["x-source-offset"]) == (Place(0, 3), "too_odd", NOW, "7")


def test_a_record_that_no_delivery_put_there_is_foreign() -> None:
    """Its headers stay whole, and nobody takes it for a record of the topic."""
    stray = consumed(record_of(EvalRequestedV1(eval_id=uuid4(), dataset="d", candidate="c")), topic=ROUTE.dead_letters)
    letter = dead_letter(ROUTE, stray)

    assert (letter.code, letter.headers) == (FOREIGN, tuple(stray.headers))


def test_all_means_the_open_ones() -> None:
    """With --again all of them."""
    letters = [a_letter(0), a_letter(1, settlement=SETTLEMENT), a_letter(2, "data_invalid")]

    assert [letter.place.offset for letter in Selection().of(letters)] == [0, 2]
    assert [letter.place.offset for letter in Selection(reason="too_odd").of(letters)] == [0]
    assert [letter.place.offset for letter in Selection(reason="too_odd", again=True).of(letters)] == [0, 1]


def test_a_settled_one_is_refused_by_name() -> None:
    """The message says by whom, and how to do it all the same."""
    letters, selection = [a_letter(1, settlement=SETTLEMENT)], Selection(frozenset({Place(0, 1)}))

    with pytest.raises(Permanent, match=r"0/1 was replayed by ada .* --again"):
        selection.of(letters)

    assert replace(selection, again=True).of(letters) == letters


@pytest.mark.parametrize("selection", [Selection(frozenset({Place(0, 9)})), Selection(reason="unheard_of")])
def test_what_is_not_there_is_refused(selection: Selection) -> None:
    """A typing error must not look like work done."""
    with pytest.raises(Permanent) as refused:
        selection.of([a_letter()])

    assert refused.value.code == "no_such_record"


def test_dead_letters_are_counted_by_code() -> None:
    """Open, replayed and dropped apart."""
    letters = [a_letter(0), a_letter(1, settlement=SETTLEMENT), a_letter(2, settlement=replace(SETTLEMENT, how=Settled.DROPPED))]

    [odd, other] = tallies([*letters, a_letter(3, "z")])

    assert (odd.topic, odd.group, odd.code, odd.open, odd.replayed, odd.dropped) == ("eval.requested", "evaluator", "too_odd", 1, 1, 1)
    assert (other.code, other.open, other.oldest) == ("z", 1, NOW)


async def test_the_pace_is_kept() -> None:
    """The first step is free, each later one waits its turn; time lost elsewhere is not made up in a burst."""
    clock = FakeClock(NOW)
    pace = Pace(clock, rate=4)

    for _ in range(3):
        await pace.wait()
    await clock.sleep(10)
    await pace.wait()
    await pace.wait()

    assert clock.slept == pytest.approx([0, 0.25, 0.25, 10, 0, 0.25])


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (None, "(null)"),
        (b'{"a":[1]}', '{\n  "a": [\n    1\n  ]\n}'),
        (b"{not json", "{not json"),
        (b"17", "17"),
        (b"\xff\x00\x01\x02\x03", "0x ff 00010203"),
        (b"[" * 100_000, "[" * 100_000),
    ],
)
def test_a_value_is_shown_as_json_text_or_hex(data: bytes | None, shown: str) -> None:
    """Whichever says most of it."""
    assert content(described(data)) == shown


def test_nothing_of_a_dead_letter_steers_the_terminal() -> None:
    """Neither reason, key, headers nor value: they were written by strangers."""
    evil = "\x1b]0;owned\x07\x9b2J"
    letter = a_letter(headers=((evil, evil.encode()),))
    console = Console(width=100, color_system=None)

    with console.capture() as capture:
        console.print(render_letter(letter, {"text": evil}, {"json": {evil: evil}}))

    assert not set(capture.get()) & set("\x1b\x07\x9b")
    assert "\\x1b]0;owned" in capture.get()
