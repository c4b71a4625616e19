"""Fingerprints: equal for equal cases, whatever their order and spelling, and of nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from kit.datasets.case import Case, Gold
from kit.datasets.fingerprint import fingerprint
from kit.datasets.lines import read_case, read_cases, written

CASE = Case(
    id="a",
    question="Où?",
    answers=("là", "here"),
    gold=(Gold(document_id="d", start=1, end=3, quote="là"),),
    metadata={"hop": "2", "a": "b"},
    cluster="d",
)
OTHER = Case(id="b", question="Why?", answerable=False)


def test_a_fingerprint_is_this_for_ever() -> None:
    """Runs of years ago are compared by it: if this changes, no recorded run can be compared any more."""
    assert fingerprint([CASE, OTHER]) == "6e8f05a340981088700d5c6a084e255bfd0273054e59a30c9fecc023a6c93121"


@given(st.permutations([CASE, OTHER, Case(id="c", question="?", answers=("x",))]))
def test_the_order_of_cases_does_not_count(cases: list[Case]) -> None:
    """They are a set."""
    assert fingerprint(cases) == fingerprint(sorted(cases, key=lambda case: case.id))


def test_the_spelling_of_a_line_does_not_count() -> None:
    """Names in another order, escapes, what is at its default."""
    other = b'{"answerable": true, "metadata": {"a": "b", "hop": "2"}, "cluster": "d", "answers": ["l\\u00e0", "here"],'
    other += b' "question": "O\\u00f9?", "gold": [{"quote": "l\\u00e0", "end": 3, "start": 1, "document_id": "d"}], "id": "a"}'

    assert fingerprint([read_case(other, "line 1")]) == fingerprint([CASE])


def test_every_part_of_a_case_counts() -> None:
    """So that a changed dataset is another one."""
    changes = [
        {"id": "z"},
        {"question": "When?"},
        {"answers": ("here", "là")},
        {"gold": ()},
        {"metadata": {}},
        {"cluster": None},
    ]

    found = {fingerprint([CASE.model_copy(update=change)]) for change in changes}

    assert len(found | {fingerprint([CASE]), fingerprint([CASE, OTHER])}) == len(changes) + 2


def test_a_case_is_read_as_it_was_written() -> None:
    """Line by line."""
    lines = [written(CASE), b"\n", written(OTHER)]

    assert list(read_cases(lines)) == [CASE, OTHER]
