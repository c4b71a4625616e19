"""A passage with what stands around it."""

import pytest

from kit.ports.vectors import Chunk
from services.rag.expand import joined
from tests.ports.vectors_fixtures import chunk

TEXT = "One.\n\nTwo two.  Three.\nFour."
SPANS = {1: (0, 4), 2: (6, 14), 3: (16, 22), 4: (23, 28)}


def part(number: int) -> Chunk:
    """A chunk of TEXT."""
    start, end = SPANS[number]
    return chunk(number, text=TEXT[start:end], start=start, end=end, page=number, heading=f"h{number}")


def test_neighbours_are_joined_with_their_distance_kept() -> None:
    """Every character that is not white space stands where it stands in the document."""
    whole = joined(part(2), [part(1), part(2), part(3)])

    assert (whole.start, whole.end, whole.text) == (0, 22, "One.\n\nTwo two.\n\nThree.")
    assert whole.text.split() == TEXT[whole.start : whole.end].split()
    assert len(whole.text) == whole.end - whole.start


def test_the_passage_stays_itself() -> None:
    """Its id and heading are the found chunk's, its page that of the first."""
    whole = joined(part(3), [part(2), part(3)])

    assert (whole.chunk_id, whole.chunk_no, whole.heading, whole.page) == (part(3).chunk_id, 3, "h3", 2)


@pytest.mark.parametrize(
    ("number", "around", "span"),
    [(3, [1, 3, 4], (16, 28)), (3, [], (16, 22)), (3, [3], (16, 22)), (3, [1, 2], (0, 22)), (1, [1, 3, 4], (0, 4))],
)
def test_what_is_beyond_a_missing_neighbour_is_left_out(number: int, around: list[int], span: tuple[int, int]) -> None:
    """A gap in the text would be a lie; the chunk itself need not be among them."""
    whole = joined(part(number), [part(other) for other in around])

    assert (whole.start, whole.end) == span


def test_overlapping_neighbours_are_not_said_twice() -> None:
    """Some chunkers let chunks overlap."""
    first, second = chunk(1, text="abcdef", start=0, end=6), chunk(2, text="efgh", start=4, end=8)

    assert joined(first, [second]).text == "abcdefgh"
    assert joined(second, [first]).text == "abcdefgh"
