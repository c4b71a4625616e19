"""Gold spans in stored texts: what parsing changed does not lose them."""

import pytest

from kit.datasets.case import Gold
from kit.datasets.spans import placed
from services.ingest.normalise import normalised


def gold(quote: str | None, start: int | None = None, end: int | None = None) -> Gold:
    """A place in a document."""
    return Gold(document_id="d", quote=quote, start=start, end=end if start is None or end else start + len(quote or "x"))


def test_a_span_that_holds_is_left_as_it_is() -> None:
    """The same object, so that nothing counts as moved."""
    span = gold("two", 4)

    assert placed(span, "one two three two") is span


@pytest.mark.parametrize(("start", "found"), [(0, 4), (11, 14), (99, 14), (None, 4)])
def test_a_span_that_does_not_hold_is_moved_to_the_nearest_occurrence(start: int | None, found: int) -> None:
    """Of its quote."""
    moved = placed(gold("two", start), "one two three two")

    assert (moved.start, moved.end, moved.quote) == (found, found + 3, "two")


def test_a_quote_that_is_nowhere_leaves_the_document() -> None:
    """And the quote, for who wants to look."""
    assert placed(gold("four", 3), "one two three") == Gold(document_id="d", quote="four")


@pytest.mark.parametrize(
    ("source", "quote"),
    [
        ("the \ufb01rst of\u00a0all", "\ufb01rst of\u00a0all"),
        ("soft\u00adly\u200b now", "soft\u00adly\u200b now"),
        ("a\r\nb c", "a\r\nb"),
        ("\U0001f600 cafe\u0301 here", "cafe\u0301"),
        ("x\u2028y z", "x\u2028y"),
    ],
    ids=["ligature and space", "invisible", "line end", "beyond the first plane", "line separator"],
)
def test_a_quote_is_found_through_what_ingest_changes(source: str, quote: str) -> None:
    """The text is ingest's own normalisation; the span holds what the quote became there."""
    text = normalised(source)

    found = placed(gold(quote, source.index(quote)), text)

    assert found.is_span
    assert text[found.start : found.end] == normalised(quote)


@pytest.mark.parametrize(("end", "kept"), [(5, True), (6, False)])
def test_a_span_without_a_quote_stays_if_the_text_is_long_enough(end: int, kept: bool) -> None:
    """There is nothing to look for."""
    assert placed(gold(None, 1, end), "12345").is_span is kept
