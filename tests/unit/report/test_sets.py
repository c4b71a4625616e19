"""The data sets are read as their folders have them."""

import csv
import json
from pathlib import Path

import pytest

from contracts.media_types import MARKDOWN
from services.evaluator.metrics.spans import Span
from tests.bench.report import MeasurementFailed
from tests.report.ingested import Chunk, check_places
from tests.report.sets import DataSet, Question, Text, read_set


def test_squad_has_paragraphs_and_questions_with_and_without_answers(tmp_path: Path) -> None:
    """A question belongs to its paragraph even if that does not answer it."""
    folder = tmp_path / "squad2-half"
    folder.mkdir()
    (folder / "corpus.jsonl").write_text(json.dumps({"doc_id": "p1", "title": "Normans", "text": "In France."}))
    asked = [
        {"question": "Where?", "gold_doc_ids": ["p1"], "answers": ["France"]},
        {"question": "Why?", "gold_doc_ids": ["p1"], "answers": []},
    ]
    (folder / "questions.jsonl").write_text("\n".join(map(json.dumps, asked)))

    data = read_set(tmp_path, "squad2-half")

    assert data.texts == (Text("p1", "Normans", "In France."),)
    assert data.questions == (Question("Where?", "p1", frozenset({"p1"}), answers=("France",)),)
    assert [(question.text, question.topic) for question in data.unanswerable] == [("Why?", "p1")]


def test_sections_of_a_documentation_get_ids_that_the_product_takes(tmp_path: Path) -> None:
    """Their own are addresses."""
    folder = tmp_path / "docs-qa"
    folder.mkdir()
    sections = [{"chunk_link": f"https://docs.test/#{name}", "chunk_heading": name, "text": name} for name in "ab"]
    (folder / "anthropic_docs.json").write_text(json.dumps(sections))
    asked = [{"id": "q1", "question": "b?", "correct_chunks": ["https://docs.test/#b"]}]
    (folder / "docs_evaluation_dataset.json").write_text(json.dumps(asked))

    data = read_set(tmp_path, "docs-qa")

    assert (data.texts[1].document_id, data.questions[0].gold) == ("section-1", {"section-1"})


def test_excerpts_are_places_in_their_document(tmp_path: Path) -> None:
    """By character, in the Markdown as it is."""
    folder = tmp_path / "chunking-spans"
    folder.mkdir()
    for name in ("state_of_the_union", "wikitexts"):
        (folder / f"{name}.md").write_text("# Fees\n\nWe cut fees.\n")
    with (folder / "questions.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["question", "references", "corpus_id"])
        rows.writerow(["Fees?", json.dumps([{"content": "cut fees", "start_index": 11, "end_index": 19}]), "wikitexts"])

    data = read_set(tmp_path, "chunking-spans")

    assert (data.by_span, data.texts[1].media_type) == (True, MARKDOWN)
    assert data.questions[0].spans == (Span("wikitexts", 11, 19),)


@pytest.mark.parametrize("count", [3, None])
def test_a_sample_is_the_same_each_time(count: int | None) -> None:
    """So two runs can be compared."""
    questions = tuple(Question(str(number), str(number), frozenset({"d"})) for number in range(20))
    data = DataSet("set", (), questions, 10, questions[:2])

    sample = data.sample(count)

    assert sample == data.sample(count)
    assert (len(sample.questions), len(sample.unanswerable)) == (count or 20, 2)


def test_gold_places_count_only_if_chunks_stand_where_they_say() -> None:
    """Else every score by place would be wrong."""
    data = DataSet("set", (Text("d", "Fees", "So: We cut fees."),), (Question("?", "t", frozenset({"d"}), (Span("d", 4, 8),)),), 10)
    check_places(data, [Chunk(Span("d", 4, 16), "We cut fees.")])

    with pytest.raises(MeasurementFailed, match="1 chunks are not where they say"):
        check_places(data, [Chunk(Span("d", 3, 15), "We cut fees.")])
