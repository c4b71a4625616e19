"""Scores of one case among many: few bytes, and the mapping they were."""

from hypothesis import given
from hypothesis import strategies as st

from services.evaluator.scored import Scores

ROWS = st.lists(st.dictionaries(st.sampled_from("abcde"), st.floats(allow_nan=False)))


@given(ROWS)
def test_scores_are_the_mappings_they_were_made_of(rows: list[dict[str, float]]) -> None:
    """Whatever names came before and after, which all of them share."""
    columns: dict[str, int] = {}
    kept = [Scores(columns, row) for row in rows]

    assert kept == rows
    assert [len(scores) for scores in kept] == [len(row) for row in rows]
    assert all(scores.get(name) == row.get(name) for scores, row in zip(kept, rows, strict=True) for name in "abcde")
