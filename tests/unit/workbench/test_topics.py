"""How far a group is behind, from numbers alone."""

import pytest

from workbench.records import Extent
from workbench.topics import Lag, Position, routes


@pytest.mark.parametrize(
    ("first", "end", "committed", "lag"),
    [(0, 0, None, 0), (0, 9, None, 9), (0, 9, 4, 5), (0, 9, 9, 0), (6, 9, 4, 3), (6, 9, None, 3)],
)
def test_the_lag_of_a_partition_is_what_is_there_and_not_handled(first: int, end: int, committed: int | None, lag: int) -> None:
    """A group that has not begun, or whose next records are gone, has all that is left before it."""
    assert Position(0, Extent(first, end), committed).lag == lag


def test_the_lag_of_a_group_is_the_sum_over_partitions() -> None:
    """Records in retry topics are counted apart."""
    positions = (Position(0, Extent(0, 5), 3), Position(1, Extent(0, 5), None))

    assert Lag("evaluator", "t", positions, waiting=9).lag == 7


def test_every_reader_of_every_topic_has_a_way() -> None:
    """And no two of them end in one dead letter topic."""
    ends = [route.dead_letters for route in routes()]

    assert "docs.uploaded.ingest.dlq" in ends
    assert len(set(ends)) == len(ends)
