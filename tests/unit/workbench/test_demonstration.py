"""When a demonstration has shown what it should."""

from pathlib import Path

import pytest

from kit.errors import Permanent
from workbench.demonstration import Asked, Demonstration, Question, read_script
from workbench.uploads import Outcome

ANSWERABLE, UNANSWERABLE = Question(question="?", answerable=True), Question(question="?", answerable=False)
INDEXED = Outcome("a.md", "1", 1, "indexed")
CITED = {"citations": [{"marker": 1}], "abstained": False}
ABSTAINED = {"citations": [], "abstained": True}


@pytest.mark.parametrize(
    ("answerable", "answer", "ok"),
    [
        (True, CITED, True),
        (True, ABSTAINED, False),
        (True, {"citations": [], "abstained": False}, False),
        (False, ABSTAINED, True),
        (False, CITED, False),
    ],
)
def test_an_answer_fits_its_question(answerable: bool, answer: dict[str, object], ok: bool) -> None:
    """Cited if the documents have the answer, abstained from if not."""
    assert Asked(ANSWERABLE if answerable else UNANSWERABLE, answer).ok is ok


def test_a_demonstration_needs_every_document_and_every_answer() -> None:
    """One that failed, or nothing shown at all, is no success."""
    good, bad = Asked(ANSWERABLE, CITED), Asked(UNANSWERABLE, CITED)

    assert Demonstration([INDEXED], [good]).ok
    assert not Demonstration([INDEXED, Outcome("b.md", error="no")], [good]).ok
    assert not Demonstration([INDEXED], [good, bad]).ok
    assert not Demonstration([], [good]).ok
    assert not Demonstration([INDEXED], []).ok


def test_the_questions_of_the_demonstration_are_read(tmp_path: Path) -> None:
    """The others of the dataset are for evaluation."""
    (tmp_path / "questions.jsonl").write_text(
        '{"question": "Why?", "answerable": true, "demo": true}\n\n'
        '{"question": "How?", "answerable": true}\n'
        '{"question": "Who?", "answerable": false, "demo": true}\n'
    )

    (tmp_path / "a.md").touch()

    script = read_script(tmp_path)

    assert [(question.text, question.answerable) for question in script.questions] == [("Why?", True), ("Who?", False)]
    assert script.files == [tmp_path / "a.md"]


@pytest.mark.parametrize("text", [None, "no JSON", '{"question": "Why?"}'])
def test_a_folder_without_usable_questions_is_refused(tmp_path: Path, text: str | None) -> None:
    """Before anything is started."""
    if text is not None:
        (tmp_path / "questions.jsonl").write_text(text)

    with pytest.raises(Permanent, match=r"questions\.jsonl cannot be read"):
        read_script(tmp_path)
