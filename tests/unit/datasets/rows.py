"""Rows of each public form, made by hand, and files of rows."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kit.datasets.entry import Entry
from kit.datasets.load import Source, read_entries

CONTEXT = "The Rhine rises in Switzerland. It flows to the North Sea, past Basel."


def squad_row(**fields: Any) -> dict[str, Any]:
    """A row of SQuAD as the hub has it."""
    answers = {"text": ["Switzerland", "in Switzerland"], "answer_start": [19, 16]}
    return {"id": "q1", "title": "Rhine", "context": CONTEXT, "question": " Where does it rise?", "answers": answers} | fields


def squad_article() -> dict[str, Any]:
    """An article of SQuAD 2.0 as the original files have it: one question with an answer, one without."""
    asked = {
        "id": "q1",
        "question": "Where does it rise?",
        "answers": [{"text": "Switzerland", "answer_start": 19}],
        "is_impossible": False,
    }
    none = {"id": "q2", "question": "Who owns it?", "answers": [], "plausible_answers": [{"text": "Basel", "answer_start": 64}]}
    return {"title": "Rhine", "paragraphs": [{"context": CONTEXT, "qas": [asked, {**none, "is_impossible": True}]}]}


def hotpot_row(**fields: Any) -> dict[str, Any]:
    """A row of HotpotQA as the hub has it."""
    context = {"title": ["Rhine", "Basel"], "sentences": [["The Rhine is a river.", " It passes Basel."], ["Basel is Swiss. "]]}
    facts = {"title": ["Rhine", "Basel"], "sent_id": [1, 0]}
    asked = {"id": "h1", "question": "Which country has the city that the Rhine passes?", "answer": "Switzerland"}
    return {**asked, "type": "bridge", "level": "hard", "context": context, "supporting_facts": facts} | fields


def hotpot_pairs() -> dict[str, Any]:
    """The same, as the original files have it."""
    row = hotpot_row()
    context = [[title, sentences] for title, sentences in zip(row["context"]["title"], row["context"]["sentences"], strict=True)]
    return {**row, "_id": row.pop("id"), "context": context, "supporting_facts": [["Rhine", 1], ["Basel", 0]]}


def json_lines(path: Path, rows: Sequence[Any]) -> Path:
    """A file of these rows."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def entries(path: Path, **how: Any) -> list[Entry]:
    """All that a file has."""
    return list(read_entries(Source(str(path), **how)))
