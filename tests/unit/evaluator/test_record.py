"""Recorded runs: what was written is read again, and what cannot be read says what is wrong with it."""

import json
from typing import Any

import pytest

from kit.errors import Permanent
from services.evaluator.record import RECORDED, CaseRecord, RecordedRun, parsed, scored
from tests.unit.evaluator.runs import FINGERPRINT, run

CASES = (
    CaseRecord(case_id="q1", cluster="doc", answerable=True, metadata={"hops": "2"}, text="Yes.", scores={"correct": 1.0, "rouge_l": None}),
    CaseRecord(case_id="q2", answerable=False, scores={"correct": None}, error="llm_down: nobody answers"),
)


def written(**changed: Any) -> dict[str, Any]:
    """The JSON of a recorded run, but for what is changed."""
    return RecordedRun(run=run(), cases=CASES).model_dump(mode="json") | changed


def test_a_run_that_was_written_is_read_again_as_recorded_elsewhere() -> None:
    """Whatever it says of itself: nobody here saw it measured."""
    read = parsed(json.dumps(written()).encode())

    assert read.cases == CASES
    assert read.run == run(origin=RECORDED)
    assert read.run.fingerprint == FINGERPRINT


def test_what_a_newer_writer_adds_is_left_out() -> None:
    """In the run and in its cases."""
    record = written(colour="red")
    record["run"]["colour"] = record["cases"][0]["colour"] = "red"

    assert parsed(json.dumps(record).encode()).cases == CASES


def test_the_repeats_of_a_case_are_one_score() -> None:
    """Of those that have one; what never has one stays unscored, and a case without any answer is an error."""
    again = CaseRecord(case_id="q1", answerable=True, repeat=1, text="No.", scores={"correct": 0.0, "token_f1": 0.5, "rouge_l": None})
    failed = CaseRecord(case_id="q1", answerable=True, repeat=2, scores={}, error="llm_down: nobody answers")

    first, second = scored([failed, again, *CASES])

    assert first.scores == {"correct": 0.5, "rouge_l": None, "token_f1": 0.5}
    assert (first.text, first.cluster, first.metadata, first.error) == ("Yes.", "doc", {"hops": "2"}, False)
    assert (second.case_id, second.error, second.score("correct")) == ("q2", True, None)
    assert (first.unanswered, second.unanswered) == (pytest.approx(1 / 3), 1)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"{", "Invalid JSON"),
        (b"[]", "it: "),
        (b'{"format": "workbench.run.v2"}', "format: Input should be 'workbench.run.v1'"),
        (json.dumps(written(cases=[])).encode(), "cases: Tuple should have at least 1 item"),
        (json.dumps(written(cases=[written()["cases"][0]] * 2)).encode(), "the case 'q1' stands there twice (repeat 0)"),
        (json.dumps(written(run={})).encode(), "run.run_id: Field required; run.variant: Field required"),
        (json.dumps(written()).replace("1.0", "NaN").encode(), "cases.0.scores.correct"),
        (json.dumps(written()).replace(FINGERPRINT, "none").encode(), "run.fingerprint"),
    ],
    ids=["no JSON", "no object", "other format", "no cases", "twice", "no run", "no number", "no fingerprint"],
)
def test_what_is_no_recorded_run_says_why(data: bytes, told: str) -> None:
    """With the place."""
    with pytest.raises(Permanent) as error:
        parsed(data)

    assert error.value.code == "record_invalid"
    assert told in error.value.message
