"""Loaders: rows of each kind of file, one after the other, and every bad input told with what to do."""

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pytest

from kit.datasets.load import Source, read_entries
from kit.errors import Permanent
from tests.unit.datasets.rows import entries, json_lines, squad_row

ROWS = [{"id": "1", "question": "When?", "answer": "1995"}, {"id": "2", "question": "Who?", "answer": "NA"}]
NATIVE = {"id": "a", "question": "?", "answers": ["x"]}


def as_json(path: Path) -> None:
    """A list."""
    path.write_text(json.dumps(ROWS))


def as_lines(path: Path) -> None:
    """With a mark, a blank line, and other ends of lines."""
    path.write_bytes(b"\xef\xbb\xbf" + b"\r\n\r\n".join(json.dumps(row).encode() for row in ROWS))


def as_csv(path: Path) -> None:
    """With a mark and a quoted value."""
    path.write_bytes(b'\xef\xbb\xbfid,question,answer\n1,"When?",1995\n2,Who?,NA\n')


def as_parquet(path: Path) -> None:
    """As the library writes it."""
    datasets.Dataset.from_list(ROWS).to_parquet(str(path))


@pytest.mark.parametrize(
    ("name", "write"),
    [("a.json", as_json), ("a.jsonl", as_lines), ("a[1].csv", as_csv), ("a.parquet", as_parquet), ("A.JSONL", as_lines)],
)
def test_the_same_rows_are_read_from_every_kind_of_file(tmp_path: Path, name: str, write: Callable[[Path], None]) -> None:
    """Texts as they stand there: a year is no number, and NA is not nothing."""
    write(tmp_path / name)

    found = [(entry.case.id, entry.case.question, entry.case.answers) for entry in entries(tmp_path / name)]

    assert found == [("1", "When?", ("1995",)), ("2", "Who?", ("NA",))]


def test_rows_of_squad_are_recognised_in_parquet(tmp_path: Path) -> None:
    """As they are downloaded from the hub."""
    datasets.Dataset.from_list([squad_row()]).to_parquet(str(tmp_path / "a.parquet"))

    [entry] = entries(tmp_path / "a.parquet")

    assert [gold.quote for gold in entry.case.gold] == ["Switzerland", "in Switzerland"]


def test_the_first_cases_alone_are_read(tmp_path: Path) -> None:
    """What comes after them is not looked at."""
    path = json_lines(tmp_path / "a.jsonl", [{**NATIVE, "id": str(n)} for n in range(200)])
    path.write_text(path.read_text() + "{oops")

    assert [entry.case.id for entry in entries(path, limit=3)] == ["0", "1", "2"]


BAD: list[tuple[str, str, dict[str, Any], str, str]] = [
    ("a.jsonl", "", {}, "dataset_empty", "no cases"),
    ("a.csv", "id,question,answer\n", {}, "dataset_empty", "no cases"),
    ("a.csv", "", {}, "dataset_empty", "header"),
    ("a.json", "[]", {}, "dataset_empty", "no cases"),
    ("a.jsonl", json.dumps(NATIVE) + "\n{oops\n", {}, "dataset_line_invalid", "line 2 is not JSON"),
    ("a.jsonl", json.dumps(NATIVE) + "\n[1]\n", {}, "dataset_line_invalid", "line 2 is not a JSON object"),
    ("a.json", '{"rows": 1}', {}, "dataset_line_invalid", "not a list"),
    ("a.json", "{oops", {}, "dataset_line_invalid", "not JSON"),
    ("a.parquet", "hello", {}, "dataset_line_invalid", "cannot be read"),
    ("a.jsonl", json.dumps(NATIVE) * 2, {}, "dataset_line_invalid", "line 1"),
    ("a.jsonl", f"{json.dumps(NATIVE)}\n{json.dumps(NATIVE)}\n", {}, "dataset_case_repeated", "case 2 has the id 'a'"),
    ("a.jsonl", '{"id": "a", "question": "?"}', {}, "dataset_gold_missing", "row 1"),
    ("a.csv", "question,answer\nwhen,\n", {}, "dataset_gold_missing", "row 1"),
    ("a.jsonl", '{"id": "a", "question": "", "answers": ["x"]}', {}, "dataset_line_invalid", "question"),
    ("a.jsonl", '{"prompt": "?", "reply": "x"}', {}, "dataset_columns_wrong", "prompt, reply"),
    ("a.jsonl", '{"question": "?", "reply": "x"}', {"mapping": "squad"}, "dataset_columns_wrong", "answer_start"),
    ("a.jsonl", '{"question": "?", "reply": "x"}', {"columns": {"answers": "says"}}, "dataset_columns_wrong", "says"),
    ("a.jsonl", "{}", {"columns": {"colour": "x"}}, "dataset_columns_wrong", "colour"),
    ("a.jsonl", '{"question": "?", "answer": "x", "answerable": "maybe"}', {}, "dataset_line_invalid", "maybe"),
    ("a.jsonl", '{"question": "?", "answers": ["x"], "gold": ["a", "b"], "starts": [1]}', {}, "dataset_line_invalid", "2 documents"),
    ("a.jsonl", '{"question": "?", "gold": [{"document_id": "a"}]}', {"mapping": "columns"}, "dataset_line_invalid", "objects"),
    ("a.jsonl", "{}", {"mapping": "squid"}, "dataset_mapping_unknown", "squad_v2"),
    ("a.jsonl", "{}", {"mapping": "squad", "columns": {"question": "q"}}, "dataset_mapping_unknown", "leave"),
    ("a.jsonl", "{}", {"split": "test"}, "dataset_split_unknown", "no splits"),
    ("a.xlsx", "", {}, "dataset_file_unsupported", ".parquet"),
]


@pytest.mark.parametrize(("name", "text", "how", "code", "told"), BAD, ids=[f"{code} {told}" for _, _, _, code, told in BAD])
def test_bad_input_is_told_with_a_code_and_its_place(
    tmp_path: Path, name: str, text: str, how: dict[str, Any], code: str, told: str
) -> None:
    """Permanent: the same input fails again."""
    (tmp_path / name).write_text(text)

    with pytest.raises(Permanent) as error:
        entries(tmp_path / name, **how)

    assert error.value.code == code
    assert told in error.value.message


def test_a_file_that_is_not_there_is_an_unknown_dataset(tmp_path: Path) -> None:
    """Named as it was asked for."""
    with pytest.raises(Permanent, match=r"nowhere\.jsonl") as error:
        entries(tmp_path / "nowhere.jsonl")

    assert error.value.code == "dataset_unknown"


def test_a_hub_that_cannot_be_reached_says_how_to_do_without_it() -> None:
    """In a process of its own, where the hub is off for certain, whatever network this machine has."""
    script = (
        "from kit.datasets.load import Source, read_entries\nfrom kit.errors import Permanent\n"
        "try:\n    list(read_entries(Source('hf:rajpurkar/squad_v2#:validation')))\n"
        "except Permanent as error:\n    print(error.code, error.message)"
    )
    env = {"HF_HUB_OFFLINE": "1", "PATH": "/usr/bin:/bin"}

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, env=env, check=True)

    assert done.stdout.startswith("dataset_hub_unreachable")
    assert "local .jsonl" in done.stdout


def test_a_large_file_is_never_in_memory(tmp_path: Path) -> None:
    """50,000 cases of a kilobyte: what is remembered of them is their ids."""
    path = tmp_path / "a.jsonl"
    with path.open("w") as file:
        file.writelines(json.dumps({**NATIVE, "id": str(n), "metadata": {"text": "x" * 1_000}}) + "\n" for n in range(50_000))
    next(read_entries(Source(str(path))))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    count = sum(1 for _ in read_entries(Source(str(path))))

    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert count == 50_000
    assert path.stat().st_size > 50_000_000
    assert grown_mb < 20
