"""An evaluation from the outside: a dataset over HTTP, a request from a plain Kafka client, the outcome on a topic and in the views."""

import json
from typing import Any
from uuid import uuid4

from tests.e2e.conftest import Workbench

TEXT = b"# Refunds\n\nThe refund limit of Quillon is 250 euros a year.\n\nThe archive of Quillon opens at nine on weekdays.\n"
CASES = (
    {"id": "limit", "question": "What is the refund limit of Quillon?", "answers": ["250 euros"]},
    {"id": "archive", "question": "When does the archive of Quillon open?", "answers": ["nine"]},
    {"id": "moon", "question": "Who was the first person on the moon of Zorblax?", "answerable": False},
)


def headers(event_type: str) -> list[tuple[str, bytes | None]]:
    """What a plain client sends beside the data."""
    return [("ce_id", str(uuid4()).encode()), ("ce_source", b"notebook"), ("ce_type", event_type.encode())]


async def registered(workbench: Workbench, name: str) -> None:
    """The dataset, and the document that it asks about."""
    await workbench.indexed("refunds.md", TEXT)
    lines = b"".join(json.dumps(case).encode() + b"\n" for case in CASES)
    answer = await workbench.http.post("/datasets", files={"file": ("cases.jsonl", lines)}, data={"name": name})
    assert answer.status_code in (200, 201), answer.text


async def outcome(workbench: Workbench, request: dict[str, Any]) -> dict[str, Any]:
    """Publishes a request and waits for `eval.completed`."""
    eval_id = request["eval_id"]
    await workbench.send("eval.requested", eval_id, json.dumps(request).encode(), headers("workbench.eval.requested.v1"))
    [record] = await workbench.records("eval.completed", lambda record: record.key == eval_id.encode())
    told: dict[str, Any] = json.loads(record.value)
    return told


async def test_a_request_from_a_plain_client_runs_and_completes(workbench: Workbench) -> None:
    """Every case is asked; right answers, and a right refusal to answer, are right."""
    await registered(workbench, "quillon")

    told = await outcome(workbench, {"eval_id": str(uuid4()), "dataset": "quillon", "candidate": "default", "repeats": 2})
    seen = (await workbench.http.get(f"/evals/{told['eval_id']}")).json()
    [record] = await workbench.fetch("SELECT record FROM evaluator.eval_runs WHERE run_id::text = $1", told["candidate"]["run_id"])

    assert (told["status"], told["candidate"]["cases"], told["candidate"]["unscored"]) == ("completed", 3, 0)
    assert (seen["status"], seen["progress"]) == ("completed", {"done": 6, "total": 6, "failed": 0})
    figures = {one["metric"]: one["value"] for one in json.loads(record["record"])["metrics"]}
    assert (figures["correct"], figures["abstention"]) == (1.0, 1.0)


async def test_a_request_that_cannot_be_run_ends_with_the_reason(workbench: Workbench) -> None:
    """It is no dead letter: whoever asked sees why."""
    told = await outcome(workbench, {"eval_id": str(uuid4()), "dataset": "nowhere", "candidate": "default"})
    seen = (await workbench.http.get(f"/evals/{told['eval_id']}")).json()

    assert (told["status"], seen["status"], seen["error"]["code"]) == ("failed", "failed", "dataset_unknown")
    assert "nowhere" in seen["error"]["message"]
