"""Mappings: each public form of rows becomes cases whose gold stands in the documents that come along."""

import json
from pathlib import Path
from typing import Any

import pytest

from kit.datasets.case import Gold
from kit.datasets.entry import Entry, document_id_of
from kit.errors import Permanent
from tests.unit.datasets.rows import CONTEXT, entries, hotpot_pairs, hotpot_row, json_lines, squad_article, squad_row


def quotes_in_contexts(entry: Entry) -> list[str]:
    """What stands at each gold span in the documents that came along."""
    texts = {context.document_id: context.text for context in entry.contexts}
    return [texts[gold.document_id][gold.start : gold.end] for gold in entry.case.gold]


def test_a_row_of_squad_has_its_answers_where_they_stand(tmp_path: Path) -> None:
    """In the context, which is a document by its content; cases of one paragraph are one cluster."""
    [one, two] = entries(json_lines(tmp_path / "a.jsonl", [squad_row(), squad_row(id="q2")]))

    assert (one.case.question, one.case.answers) == ("Where does it rise?", ("Switzerland", "in Switzerland"))
    assert quotes_in_contexts(one) == [gold.quote for gold in one.case.gold] == ["Switzerland", "in Switzerland"]
    assert [context.text for context in one.contexts] == [CONTEXT]
    assert one.case.cluster == two.case.cluster == one.contexts[0].document_id
    assert one.case.metadata == {"title": "Rhine"}


def test_an_article_of_squad_has_all_its_questions(tmp_path: Path) -> None:
    """The file as it is downloaded; what cannot be answered has neither answers nor gold."""
    path = tmp_path / "dev-v2.0.json"
    path.write_text(json.dumps({"version": "v2.0", "data": [squad_article()]}))

    [one, none] = entries(path)

    assert (one.case.id, quotes_in_contexts(one)) == ("q1", ["Switzerland"])
    assert (none.case.answerable, none.case.answers, none.case.gold) == (False, (), ())
    assert none.case.cluster == one.contexts[0].document_id


def test_squad_1_has_no_question_without_an_answer(tmp_path: Path) -> None:
    """Version 2 has; who names version 1 is told which row has lost its answer."""
    path = json_lines(tmp_path / "a.jsonl", [squad_row(), squad_row(id="q2", answers={"text": [], "answer_start": []})])

    answerable = [entry.case.answerable for entry in entries(path)]

    assert answerable == [True, False]
    with pytest.raises(Permanent, match="row 2") as error:
        entries(path, mapping="squad")
    assert error.value.code == "dataset_gold_missing"


@pytest.mark.parametrize("row", [hotpot_row(), hotpot_pairs()], ids=["hub", "original"])
def test_hotpotqa_has_a_span_for_each_supporting_sentence(tmp_path: Path, row: dict[str, Any]) -> None:
    """In the paragraph that holds it, without the spaces around it."""
    [entry] = entries(json_lines(tmp_path / "a.jsonl", [row]))

    assert quotes_in_contexts(entry) == ["It passes Basel.", "Basel is Swiss."]
    assert [context.title for context in entry.contexts] == ["Rhine", "Basel"]
    assert (entry.case.id, entry.case.metadata) == ("h1", {"type": "bridge", "level": "hard"})


def test_a_supporting_sentence_that_hotpotqa_does_not_have_is_its_paragraph(tmp_path: Path) -> None:
    """The set names some that are not there."""
    facts = {"title": ["Rhine", "Nowhere"], "sent_id": [9, 0]}

    [entry] = entries(json_lines(tmp_path / "a.jsonl", [hotpot_row(supporting_facts=facts)]))

    assert entry.case.gold == (Gold(document_id=entry.contexts[0].document_id),)


def test_natural_questions_have_answers_and_no_documents(tmp_path: Path) -> None:
    """A case is called by its row's number."""
    [entry] = entries(json_lines(tmp_path / "a.jsonl", [{"question": "who wrote it", "answer": ["Goethe", "J. W. Goethe"]}]))

    assert (entry.case.id, entry.case.answers, entry.case.gold) == ("nq-1", ("Goethe", "J. W. Goethe"), ())


def test_columns_say_what_is_what(tmp_path: Path) -> None:
    """A column that is not named is taken by its own name, if it has the name of something a case has."""
    row = {"id": 7, "q": "When?", "gold": "now", "docs": ["a.md", "https://x.org/b"], "subject": "time", "unused": 1}
    columns = {"question": "q", "answers": "gold", "gold": "docs", "metadata.topic": "subject"}

    [entry] = entries(json_lines(tmp_path / "a.jsonl", [row]), columns=columns)

    assert (entry.case.id, entry.case.question, entry.case.answers) == ("7", "When?", ("now",))
    assert [gold.document_id for gold in entry.case.gold] == ["a.md", document_id_of("https://x.org/b")]
    assert (entry.case.metadata, entry.case.cluster) == ({"topic": "time"}, "a.md")


def test_columns_may_bring_a_document_and_where_the_answer_begins_in_it(tmp_path: Path) -> None:
    """As many rows on the hub do that are nobody's form."""
    row = {"question": "Where?", "answer": "Basel", "context": CONTEXT, "title": "Rhine", "at": CONTEXT.index("Basel")}

    [entry] = entries(json_lines(tmp_path / "a.jsonl", [row]), columns={"starts": "at"})

    assert quotes_in_contexts(entry) == ["Basel"]


@pytest.mark.parametrize("said", [False, "false", "No", 0, ""])
def test_columns_may_say_that_a_question_is_unanswerable(tmp_path: Path, said: object) -> None:
    """Then its answers and gold are none, whatever the row has; its document is still its cluster."""
    row = {"question": "Why?", "answers": ["plausible"], "answerable": said, "gold": "a.md"}

    [entry] = entries(json_lines(tmp_path / "a.jsonl", [row]))

    assert (entry.case.answerable, entry.case.answers, entry.case.gold, entry.case.cluster) == (False, (), (), "a.md")


def test_native_rows_are_cases(tmp_path: Path) -> None:
    """With all they say."""
    row = {"id": "a", "question": "?", "answers": ["x"], "gold": [{"document_id": "d", "start": 1, "end": 2}], "metadata": {"hop": "2"}}

    [entry] = entries(json_lines(tmp_path / "a.jsonl", [row]))

    assert entry.case.model_dump(mode="json", exclude_defaults=True) == {
        **row,
        "gold": [{"document_id": "d", "start": 1, "end": 2}],
    }


@pytest.mark.parametrize(("name", "same"), [("welcome.md", True), ("a/b.md", False), ("ü", False), ("x" * 129, False), ("", False)])
def test_a_document_is_called_by_its_name_if_that_can_be_an_id(name: str, same: bool) -> None:
    """Otherwise by its hash, so that cases and documents still meet."""
    found = document_id_of(name)

    assert (found == name) is same
    assert Gold(document_id=found).document_id == document_id_of(name)
