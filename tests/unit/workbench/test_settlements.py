"""Markers: what became of a dead letter, in its own topic."""

from dataclasses import replace
from typing import Any

import pytest

from contracts.topics import EVAL_REQUESTED
from kit.errors import Permanent
from kit.route import Route
from tests.events import NOW, consumed
from workbench.settlements import Place, Settled, Settlement, marker, read_marker

ROUTE = Route(EVAL_REQUESTED, "evaluator")
DROPPED = Settlement(Settled.DROPPED, "the crawler’s fault", "ada", NOW)


def test_a_marker_says_what_it_was_made_of() -> None:
    """Its place, and how, why, by whom and when."""
    record = marker(ROUTE.dead_letters, Place(2, 17), DROPPED)

    assert read_marker(consumed(record)) == (Place(2, 17), DROPPED)


def test_a_dead_letter_that_was_sent_with_a_markers_headers_is_none() -> None:
    """Why it failed stands behind whatever it was sent with."""
    forged = marker(EVAL_REQUESTED.name, Place(0, 0), DROPPED)
    headers = ROUTE.forwarded(consumed(forged), Permanent("headers_missing", "send some"), 1, NOW)

    assert read_marker(consumed(replace(forged, topic=ROUTE.dead_letters), headers=headers)) is None


@pytest.mark.parametrize("changes", [{"key": None}, {"key": b"x"}, {"headers": [("x-dlq-settled", b"lost")]}, {"headers": ()}])
def test_a_broken_marker_is_none(changes: dict[str, Any]) -> None:
    """It does not hide a dead letter, and breaks nothing."""
    assert read_marker(consumed(marker(ROUTE.dead_letters, Place(2, 17), DROPPED), **changes)) is None


def test_a_marker_with_a_null_or_unknown_value_is_none() -> None:
    """Each header must say something that we know."""
    record = marker(ROUTE.dead_letters, Place(2, 17), DROPPED)

    for name, told in (("x-dlq-settled", b"lost"), ("x-dlq-time", None), ("x-dlq-by", b"\xff")):
        assert read_marker(consumed(record, headers=[(key, told if key == name else value) for key, value in record.headers])) is None


def test_a_place_is_read_as_it_is_written() -> None:
    """Anything else is refused with an example."""
    assert Place.parse(str(Place(3, 14))) == Place(3, 14)
    for text in ("", "3", "3/", "/4", "3/-1", "a/b", "1/2/3"):
        with pytest.raises(ValueError, match="such as 0/17"):
            Place.parse(text)
