"""The project's own corpus: it says what its questions claim, in every format, and its generated files are what their sources say."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from contracts.media_types import DOCX, HTML, MARKDOWN, MEDIA_TYPES, PDF, PLAIN, media_type_of
from kit.adapters.minilm import MiniLM
from services.ingest.chunk import Chunker
from services.ingest.document import ParsedDocument
from services.ingest.parse import parse

DATASETS = Path(__file__).parents[3] / "datasets"
HANDBOOK = DATASETS / "handbook"
QUESTIONS: list[dict[str, Any]] = [json.loads(line) for line in (HANDBOOK / "questions.jsonl").read_text(encoding="utf-8").splitlines()]
ANSWERABLE = [question for question in QUESTIONS if question["answerable"]]


@cache
def parsed(name: str) -> ParsedDocument:
    """A document of the handbook."""
    return parse((HANDBOOK / name).read_bytes(), str(media_type_of(name)))


def documents(media_type: str) -> list[str]:
    """The handbook's documents of one format."""
    return sorted(file.name for file in HANDBOOK.iterdir() if media_type_of(file.name) == media_type)


@pytest.mark.parametrize("question", ANSWERABLE, ids=lambda question: question["id"])
def test_a_quote_stands_once_in_its_document_and_on_its_page(question: dict[str, Any]) -> None:
    """Verbatim, in the text that is stored and cited."""
    document = parsed(question["document"])

    assert document.text.count(question["quote"]) == 1
    assert document.page_at(document.text.index(question["quote"])) == question.get("page")


def test_about_a_quarter_of_the_questions_cannot_be_answered() -> None:
    """And say nothing else than that."""
    unanswerable = [question for question in QUESTIONS if not question["answerable"]]

    assert len({question["id"] for question in QUESTIONS}) == len(QUESTIONS) >= 40
    assert 0.2 <= len(unanswerable) / len(QUESTIONS) <= 0.3
    assert all(set(question) <= {"id", "question", "answerable", "demo"} for question in unanswerable)


def test_the_demonstration_asks_five_questions_of_several_formats() -> None:
    """One has no answer; the others need a later page of a PDF, a DOCX and an HTML."""
    demo = [question for question in QUESTIONS if question.get("demo")]
    asked = {media_type_of(question["document"]) for question in demo if question["answerable"]}

    assert [question["answerable"] for question in demo].count(False) == 1
    assert len(demo) == 5
    assert asked >= {PDF, DOCX, HTML}
    assert any(question.get("page", 1) > 1 for question in demo)


def test_the_corpus_has_every_format() -> None:
    """Enough of each for a demonstration, and PDFs of four pages with headings and tables."""
    counts = {media_type: len(documents(media_type)) for media_type in MEDIA_TYPES}

    assert counts == {PDF: 2, MARKDOWN: 7, PLAIN: 3, HTML: 2, DOCX: 2}
    for name in documents(PDF):
        assert [page.number for page in parsed(name).pages] == [1, 2, 3, 4]
        assert len(parsed(name).headings) > 8
        assert "| --- |" in parsed(name).text
        assert "Page 2" not in parsed(name).text


def test_every_chunk_of_the_corpus_fits_the_embedding_model() -> None:
    """As its own tokenizer counts."""
    model = MiniLM()
    chunker = Chunker(model.count_tokens, model.max_tokens)
    spans = [(parsed(name).text, span) for kind in MEDIA_TYPES for name in documents(kind) for span in chunker.chunk(parsed(name), kind)]
    model.close()

    assert max(model.count_tokens(text[span.start : span.end]) for text, span in spans) <= model.max_tokens - 2
    assert len(spans) < 100


def test_the_generated_files_are_what_their_sources_say() -> None:
    """Byte for byte."""
    checked = subprocess.run([sys.executable, DATASETS / "build_handbook.py", "--check"], capture_output=True, text=True, check=False)

    assert (checked.returncode, checked.stderr) == (0, "")
