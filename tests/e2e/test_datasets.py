"""A dataset of a public form is made ready by the command line, and its gold stands in what the workbench has stored."""

import json
from pathlib import Path
from uuid import uuid4

from kit.datasets.case import Case
from kit.datasets.lines import read_cases
from tests.e2e.conftest import Workbench
from tests.e2e.test_prompts import command
from tests.unit.datasets.rows import CONTEXT, json_lines, squad_row

# What ingest changes: a space of another kind, a soft hyphen, and the end of a line.
CHANGED = f"Of riv\u00aders\u00a0and seas.\r\n{CONTEXT}"


async def prepared(workbench: Workbench, path: Path, *options: str) -> dict[str, object]:
    """`workbench datasets prepare --json`."""
    code, printed = await command(workbench, "datasets", "prepare", str(path), "--json", *options)
    assert code == 0, printed
    done: dict[str, object] = json.loads(printed)
    return done


def stored_cases(uri: str) -> list[Case]:
    """What is kept at the address of a blob."""
    return list(read_cases([Path(uri.removeprefix("file://")).read_bytes()]))


async def test_a_set_is_prepared_and_prepared_again(workbench: Workbench, tmp_path: Path) -> None:
    """Its gold is where the stored text has it; the second time changes nothing, neither documents nor the fingerprint."""
    name, shift = f"rhine-{uuid4().hex}", len(CHANGED) - len(CONTEXT)
    answers = {"text": ["Switzerland"], "answer_start": [squad_row()["answers"]["answer_start"][0] + shift]}
    path = json_lines(tmp_path / "rhine.jsonl", [squad_row(context=CHANGED, title=name, answers=answers)])

    first, again = [await prepared(workbench, path, "--name", name) for _ in range(2)]

    [uri] = await workbench.eventually("SELECT blob ->> 'uri' FROM rag.v_datasets WHERE name = $1", name)
    [case] = stored_cases(uri)
    [gold] = case.gold
    stored = (await workbench.http.get(f"/documents/{gold.document_id}/text")).json()
    assert stored["text"][gold.start : gold.end] == gold.quote == "Switzerland"
    assert (first, stored["version"]) == (again, 1)
    assert (first["documents"], first["moved"], first["unplaced"]) == (1, 1, 0)


async def test_a_dataset_is_listed_and_shown(workbench: Workbench, tmp_path: Path) -> None:
    """With what it counts."""
    name = f"nq-{uuid4().hex}"
    await prepared(workbench, json_lines(tmp_path / "nq.jsonl", [{"question": "who", "answer": ["she"]}] * 3), "--name", name)

    listed = json.loads((await command(workbench, "datasets", "list", "--json"))[1])["datasets"]
    shown = (await command(workbench, "datasets", "show", name))[1]

    assert [one["cases"] for one in listed if one["name"] == name] == [3]
    assert name in shown


async def test_a_set_that_is_none_is_told_in_one_sentence(workbench: Workbench, tmp_path: Path) -> None:
    """With the exit code of a failure."""
    code, printed = await command(workbench, "datasets", "prepare", str(json_lines(tmp_path / "a.jsonl", [{"prompt": "?"}])))

    assert code == 1
    assert printed.strip().startswith("Error: the columns are prompt")
