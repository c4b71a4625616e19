"""Evaluations from outside: asked for over HTTP, from the command line and on the topic; compared, judged, exported, refused."""

import asyncio
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.e2e.conftest import Workbench
from tests.e2e.test_events import headers
from tests.e2e.test_prompts import command

WITHIN_S = 180
FINAL = {"completed", "failed", "cancelled"}
FACTS = {
    f"team-{number}": f"The mascot of team {number} is the {animal}." for number, animal in enumerate(("otter", "heron", "badger", "lynx"))
}


@pytest.fixture
async def dataset(workbench: Workbench, tmp_path: Path) -> Path:
    """A folder with four documents, and five questions, one of which they do not answer."""
    (tmp_path / "documents").mkdir()
    for name, fact in FACTS.items():
        (tmp_path / "documents" / f"{name}.md").write_text(f"# {name}\n\n{fact}\n")
    cases = [
        {"id": name, "question": f"What is the mascot of {name.replace('-', ' ')}?", "answers": [fact.split()[-1].rstrip(".")]}
        for name, fact in FACTS.items()
    ]
    cases.append({"id": "none", "question": "Who invented the telephone exchange in Budapest?", "answerable": False})
    (tmp_path / "cases.jsonl").write_text("".join(f"{json.dumps(case)}\n" for case in cases))
    name = f"mascots-{uuid4().hex[:8]}"
    (tmp_path / "dataset.yaml").write_text(
        f"name: {name}\ndescription: Mascots.\ncases: cases.jsonl\nmapping: native\ndocuments: documents\n"
    )
    return tmp_path


async def evaluated(workbench: Workbench, eval_id: str) -> dict[str, Any]:
    """The evaluation once it has ended."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            answer = await workbench.http.get(f"/evals/{eval_id}")
            if answer.status_code == 200 and answer.json()["status"] in FINAL:
                found: dict[str, Any] = answer.json()
                return found
            await asyncio.sleep(0.2)


async def asked(workbench: Workbench, **body: Any) -> dict[str, Any]:
    """POST /evals, and the outcome."""
    answer = await workbench.http.post("/evals", json=body)
    assert answer.status_code == 202, answer.text
    return await evaluated(workbench, answer.json()["eval_id"])


async def test_a_change_is_measured_judged_and_written_down(workbench: Workbench, dataset: Path) -> None:
    """One command: documents in, both variants asked, a verdict as exit code, a page; five cases are too few to tell."""
    run = ("eval", "run", "--dataset", str(dataset), "--baseline", "previous", "--report", str(dataset / "r.html"), "--json")

    code, printed = await command(workbench, *run)

    found = json.loads(printed[printed.index("{") :])
    assert (code, found["verdict"], found["gate"]) == (2, "INCONCLUSIVE", "default"), printed
    assert found["progress"] == {"done": 10, "total": 10, "failed": 0}
    assert (found["candidate"]["variant"]["name"], found["baseline"]["variant"]["name"]) == ("default", "previous")
    assert sum(found["comparison"]["cases"].values()) == 5
    assert (dataset / "r.html").read_text().startswith("<!doctype html>")
    await _compared_with_itself(workbench, found, dataset)


async def _compared_with_itself(workbench: Workbench, found: dict[str, Any], folder: Path) -> None:
    """An exported run is a baseline; a case of it is shown; it is on the leaderboard; its dataset is no other's."""
    record = folder / "record.json"
    await command(workbench, "eval", "record", found["eval_id"], "--out", str(record))
    gated, printed = await command(
        workbench, "gate", "--run", found["eval_id"], "--baseline", str(record), "--junit", str(folder / "j.xml")
    )
    cases = (await workbench.http.get(f"/evals/{found['eval_id']}/cases")).json()
    boards = (await workbench.http.get("/leaderboard", params={"dataset": found["dataset"]})).json()["boards"]

    assert gated == 2, printed
    assert 'skipped="' in (folder / "j.xml").read_text()
    assert [case["case_id"] for case in cases["cases"]] == [*FACTS, "none"]
    assert all(case["candidate"]["text"] and case["baseline"]["text"] for case in cases["cases"])
    assert {entry["run_id"] for entry in boards[0]["entries"]} == {found["candidate_run"], found["baseline_run"]}


async def test_two_runs_are_compared_once(workbench: Workbench, dataset: Path) -> None:
    """202 until it is done, then always the same answer; without a gate there are figures and no verdict."""
    await command(workbench, "datasets", "prepare", str(dataset))
    name = (dataset / "dataset.yaml").read_text().split()[1]
    one, two = [await asked(workbench, dataset=name, candidate=variant, experiment=name) for variant in ("default", "previous")]
    pair = {"candidate": one["candidate_run"], "baseline": two["eval_id"]}

    first = await workbench.http.get("/compare", params=pair)
    found = await evaluated(workbench, first.json()["eval_id"])
    again = await workbench.http.get("/compare", params=pair)

    assert (first.status_code, again.status_code) == (202, 200)
    assert (found["status"], found["verdict"], again.json()["eval_id"]) == ("completed", None, found["eval_id"])
    assert [row["metric"] for row in found["comparison"]["metrics"] if row["difference"]]
    experiments = (await workbench.http.get("/experiments")).json()["experiments"]
    assert next(one["evaluations"] for one in experiments if one["name"] == name) == 2


async def test_an_evaluation_that_a_kafka_client_asked_for_is_found(workbench: Workbench, dataset: Path) -> None:
    """HTTP has never heard of it, and shows it all the same."""
    await command(workbench, "datasets", "prepare", str(dataset))
    name = (dataset / "dataset.yaml").read_text().split()[1]
    event: dict[str, Any] = {"eval_id": str(uuid4()), "dataset": name, "candidate": "default", "max_cases": 2}

    await workbench.send("eval.requested", event["eval_id"], json.dumps(event).encode(), headers("workbench.eval.requested.v1"))

    found = await evaluated(workbench, event["eval_id"])
    assert (found["status"], found["candidate"]["cases"]) == ("completed", 2)


async def test_a_gate_that_nobody_knows_ends_an_evaluation(workbench: Workbench, dataset: Path) -> None:
    """Its reason is shown, and the command line exits with the code of no verdict."""
    code, printed = await command(workbench, "eval", "run", "--dataset", str(dataset), "--baseline", "previous", "--gate", "nowhere")

    assert code == 5
    assert "nowhere" in printed


async def test_what_cannot_be_evaluated_is_refused_at_once(workbench: Workbench) -> None:
    """With the reason, and what to do."""
    unknown = await workbench.http.post("/evals", json={"dataset": f"d-{uuid4().hex}"})
    missing = await workbench.http.get(f"/evals/{uuid4()}")
    nothing = await workbench.http.get("/compare", params={"candidate": str(uuid4()), "baseline": str(uuid4())})

    codes = [(answer.status_code, answer.json()["code"]) for answer in (unknown, missing, nothing)]
    assert codes == [(404, "dataset_unknown"), (404, "eval_unknown"), (404, "run_unknown")]
