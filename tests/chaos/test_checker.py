"""The checker itself is checked: what it must see, it sees."""

import time
from time import monotonic
from typing import Any

from tests.chaos.harness.ledger import Ledger
from tests.chaos.harness.rebalance import longest
from tests.chaos.harness.redelivery import Redelivery, Stroke, Struck, by_stroke
from tests.chaos.harness.sampler import Sampler

HERE = ("eval.requested", 0, 7)


def sampler(**suspects: Any) -> Sampler:
    """One that saw records committed that the inbox did not know."""
    nobody: Any = None
    return Sampler("nowhere", Ledger(), nobody, **suspects)


def test_a_record_copied_after_its_offset_was_committed_was_committed_early() -> None:
    """And one that was never copied; but not one that was copied before."""
    seen = sampler(suspects={HERE: 100.0})

    assert seen.early({HERE: 99.9}) == []
    assert seen.early({HERE: 100.5}) == [f"{HERE}: committed 0.5 s before it was done"]
    assert seen.early({}) == [f"{HERE}: committed inf s before it was done"]


def test_what_comes_again_is_held_against_the_fault_before_it() -> None:
    """What comes again without any fault is never allowed."""
    now, wall = monotonic(), time.time()
    strokes = [Stroke("kill9", now, Struck(again=1, died=now - 3)), Stroke("sigterm", now + 10, Struck())]

    found = by_stroke(strokes, [wall - 5, wall - 2, wall + 1, wall + 11])

    assert found == [Redelivery("none", 1, 0), Redelivery("kill9", 2, 1), Redelivery("sigterm", 1, 0)]
    assert not any(one.bounded for one in found)


def test_a_pause_is_the_longest_time_without_an_event_that_reaches_into_the_change() -> None:
    """One that is over before it, or begins after it, is none of its own."""
    times = [0.0, 5.0, 5.1, 6.3, 6.4, 9.9]

    assert round(longest(times, began=5.05, over=6.35), 3) == 1.2
    assert longest([], began=5.0, over=7.0) == 2.0
