"""Export of a run to MLflow: what is measured arrives, once, and what goes wrong is told."""

from typing import Any

import httpx
import pytest

from kit.errors import DependencyDown, Permanent
from tests.unit.workbench.mlflow_server import MlflowServer
from workbench.mlflow import Mlflow, opened

RUN = {
    "run_id": "7b0e8a0c-6f5e-4d8a-9d55-3b1f5f3f6c11",
    "variant": {"name": "default", "version": "2"},
    "sha256": "a" * 64,
    "prompt": {"name": "grounded-answer", "version": "3", "sha256": "b" * 64},
    "dataset": "handbook_qa",
    "fingerprint": "d" * 64,
    "models": ["openai/gpt-9"],
    "cases": 120,
    "errors": 1,
    "seed": 0,
    "cost_usd": None,
    "settings": {"retriever": "hybrid", "limits": {"timeout_s": None}, "top_k": 5},
    "metrics": [
        {"metric": "correct", "value": 0.8, "low": 0.7, "high": 0.9},
        {"metric": "recall@5", "value": 0.95, "low": None, "high": None},
    ],
}
FOUND: dict[str, Any] = {
    "eval_id": "0d5e4bb0-0000-4000-8000-000000000001",
    "status": "completed",
    "experiment": "shorter prompts",
    "hypothesis": "shorter is better",
    "verdict": "PASS",
    "gate": "handbook",
    "reason": "correct is no worse",
    "requested_at": "2026-11-29T01:00:00Z",
    "completed_at": "2026-11-29T01:02:00Z",
    "candidate": RUN,
    "baseline": {"variant": {"name": "default", "version": "1"}},
    "comparison": {
        "metrics": [
            {"metric": "correct", "slice": "all", "difference": {"value": 0.05}},
            {"metric": "correct", "slice": "hops=2", "difference": {"value": 0.5}},
        ]
    },
}


def mlflow(server: MlflowServer) -> Mlflow:
    """A client of a server in this process."""
    return Mlflow(httpx.AsyncClient(base_url="http://mlflow", transport=httpx.MockTransport(server)))


async def test_a_run_arrives_with_its_figures_settings_and_verdict() -> None:
    """Under names that MLflow takes; what is unknown is left out."""
    server = MlflowServer()

    exported = await mlflow(server).export(FOUND)

    [run] = server.runs
    assert (exported.created, exported.run_id, server.experiments) == (True, run["id"], {"shorter prompts": exported.experiment_id})
    assert run["metrics"] == {
        "correct": 0.8,
        "correct.low": 0.7,
        "correct.high": 0.9,
        "correct.difference": 0.05,
        "recall_at_5": 0.95,
        "total.cases": 120.0,
        "total.errors": 1.0,
    }
    assert (run["params"]["settings.top_k"], run["params"]["prompt"], run["params"]["seed"]) == ("5", "grounded-answer@3", "0")
    assert "settings.limits.timeout_s" not in run["params"]
    assert (run["tags"]["workbench.verdict"], run["tags"]["workbench.baseline"]) == ("PASS", "default@1")
    assert (run["run_name"], run["status"], run["end_time"] - run["start_time"]) == ("default@2", "FINISHED", 120_000)


async def test_a_run_is_copied_once_unless_the_copy_broke_off() -> None:
    """Also by another evaluation that it is part of."""
    server = MlflowServer()
    first = await mlflow(server).export(FOUND)
    again = await mlflow(server).export({**FOUND, "eval_id": "another"})
    server.runs[0]["status"] = "RUNNING"
    whole = await mlflow(server).export(FOUND)

    assert (again.created, again.run_id) == (False, first.run_id)
    assert (whole.created, len(server.runs)) == (True, 2)


async def test_many_settings_travel_in_several_calls() -> None:
    """A call takes a hundred."""
    server = MlflowServer()

    await mlflow(server).export({**FOUND, "candidate": {**RUN, "settings": {f"s{number}": number for number in range(150)}}})

    assert len([name for name in server.runs[0]["params"] if name.startswith("settings.")]) == 150


@pytest.mark.parametrize("unfinished", [{"status": "running"}, {"candidate": None}])
async def test_what_is_not_measured_is_not_exported(unfinished: dict[str, Any]) -> None:
    """Nothing is asked of the server."""
    server = MlflowServer()

    with pytest.raises(Permanent) as error:
        await mlflow(server).export(FOUND | unfinished)

    assert (error.value.code, server.seen) == ("eval_unfinished", [])


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (httpx.Response(403, json={"error_code": "PERMISSION_DENIED", "message": "not yours"}), "not yours"),
        (httpx.Response(502, text="<h1>Bad gateway</h1>"), "502 Bad Gateway"),
        (httpx.Response(200, text="<h1>Welcome</h1>"), "200 OK"),
    ],
)
async def test_a_refusal_says_what_the_server_said(answer: httpx.Response, told: str) -> None:
    """Or its status, if that is all."""
    with pytest.raises(Permanent, match=told) as error:
        await mlflow(MlflowServer(refuses=answer)).export(FOUND)

    assert error.value.code == "mlflow_refused"


async def test_where_nobody_answers_is_told() -> None:
    """With what to do."""
    async with opened("http://127.0.0.1:1", {}) as client:
        with pytest.raises(DependencyDown, match=r"http://127\.0\.0\.1:1 .*--mlflow"):
            await client.export(FOUND)


async def test_a_folder_is_no_address() -> None:
    """MLflow's own client would take one."""
    with pytest.raises(Permanent, match="mlflow server"):
        async with opened("./mlruns", {}):
            pass


@pytest.mark.parametrize(
    ("environment", "sent"),
    [
        ({}, None),
        ({"MLFLOW_TRACKING_TOKEN": "t"}, "Bearer t"),
        ({"MLFLOW_TRACKING_USERNAME": "u", "MLFLOW_TRACKING_PASSWORD": "p"}, "Basic dTpw"),
    ],
)
async def test_who_we_are_is_read_as_mlflow_reads_it(environment: dict[str, str], sent: str | None) -> None:
    """From the environment."""
    server = MlflowServer()
    async with opened("http://mlflow", environment, httpx.MockTransport(server)) as client:
        await client.export(FOUND)

    assert {request.headers.get("authorization") for request in server.seen} == {sent}
