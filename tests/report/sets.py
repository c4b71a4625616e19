"""The data sets: documents, questions, and what of the documents each question is about. Each folder says in SOURCE.md whose it is."""

import csv
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from contracts.media_types import MARKDOWN, PLAIN
from services.evaluator.metrics.spans import Span

SQUAD = "squad2-half"


@dataclass(frozen=True, slots=True)
class Text:
    """A document to be ingested."""

    document_id: str
    title: str
    text: str
    media_type: str = PLAIN


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. `gold` are the documents that answer it; `spans` the places, where the set knows them.

    Questions of one `topic` hang together: their answers stand in one document. `answers` are accepted ones; none if there is none.
    """

    text: str
    topic: str
    gold: frozenset[str]
    spans: tuple[Span, ...] = ()
    answers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DataSet:
    """`unanswerable` questions have their topic in the documents and their answer nowhere.

    `depth` is how many chunks are asked for, so that there are ten different documents among them.
    """

    name: str
    texts: tuple[Text, ...]
    questions: tuple[Question, ...]
    depth: int
    unanswerable: tuple[Question, ...] = ()

    @property
    def by_span(self) -> bool:
        """Whether places are sought, not documents."""
        return any(question.spans for question in self.questions)

    def sample(self, count: int | None) -> "DataSet":
        """With at most `count` of its questions of each kind, drawn at random and the same ones each time."""
        return replace(self, questions=_drawn(self.questions, count), unanswerable=_drawn(self.unanswerable, count))


def _drawn(questions: tuple[Question, ...], count: int | None) -> tuple[Question, ...]:
    if count is None or count >= len(questions):
        return questions
    chosen = np.random.default_rng(0).permutation(len(questions))[:count]
    return tuple(questions[at] for at in sorted(chosen))


def _squad(folder: Path) -> DataSet:
    """Wikipedia's paragraphs, and questions that people wrote while they read them."""
    texts = tuple(Text(line["doc_id"], line["title"], line["text"]) for line in _lines(folder / "corpus.jsonl"))
    asked = [_squad_question(line) for line in _lines(folder / "questions.jsonl")]
    answerable = tuple(question for question in asked if question.answers)
    return DataSet(SQUAD, texts, answerable, 20, tuple(question for question in asked if not question.answers))


def _squad_question(line: Mapping[str, Any]) -> Question:
    gold = line["gold_doc_ids"]
    return Question(line["question"], gold[0], frozenset(gold), answers=tuple(line["answers"]))


def _docs(folder: Path) -> DataSet:
    """Sections of a product's documentation, and questions that a model wrote about them."""
    sections = json.loads((folder / "anthropic_docs.json").read_text(encoding="utf-8"))
    ids = {section["chunk_link"]: f"section-{number}" for number, section in enumerate(sections)}
    texts = tuple(Text(ids[section["chunk_link"]], section["chunk_heading"], section["text"]) for section in sections)
    asked = json.loads((folder / "docs_evaluation_dataset.json").read_text(encoding="utf-8"))
    questions = tuple(Question(q["question"], q["id"], frozenset(ids[link] for link in q["correct_chunks"])) for q in asked)
    return DataSet("docs-qa", texts, questions, 50)


def _spans(folder: Path) -> DataSet:
    """Two long documents, and the excerpts that answer each question."""
    names = ("state_of_the_union", "wikitexts")
    texts = tuple(Text(name, name.replace("_", " "), (folder / f"{name}.md").read_text(encoding="utf-8"), MARKDOWN) for name in names)
    with (folder / "questions.csv").open(encoding="utf-8", newline="") as file:
        questions = tuple(_span_question(row) for row in csv.DictReader(file))
    return DataSet("chunking-spans", texts, questions, 10)


def _span_question(row: Mapping[str, str]) -> Question:
    document = row["corpus_id"]
    spans = tuple(Span(document, int(each["start_index"]), int(each["end_index"])) for each in json.loads(row["references"]))
    return Question(row["question"], row["question"], frozenset({document}), spans)


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


SETS: Mapping[str, Callable[[Path], DataSet]] = MappingProxyType({SQUAD: _squad, "docs-qa": _docs, "chunking-spans": _spans})


def read_set(data: Path, name: str) -> DataSet:
    """Raises FileNotFoundError if it is not in `data`."""
    return SETS[name](data / name)
