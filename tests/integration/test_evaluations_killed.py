"""An evaluator that is killed in the middle of a run goes on, and finds what one finds that was left alone."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.bench.evaluator import EvaluatorProcess, Row, cases_of, running_evaluator
from tests.bench.rag_server import ASKED, QUERY, running_rag
from workbench.stack.servers import Servers

CASES, CONCURRENCY, LATENCY_S = 600, 16, 0.1
KILLED_AT = (60, 200, 400)
DONE_WITHIN_S = 240
# What no two runs have in common.
_OWN = ("latency_ms", "latency_ms_p50", "latency_ms_p95")


@pytest.fixture
async def evaluator(database: Servers, tmp_path: Path) -> AsyncIterator[EvaluatorProcess]:
    """The process, with a dataset `six-hundred`."""
    settings = {"RAG__CONCURRENCY": str(CONCURRENCY), "SHARD_CASES": "100"}
    async with running_rag(LATENCY_S) as rag, running_evaluator(database, tmp_path, rag, **settings) as running:
        await running.upload("six-hundred", cases_of(CASES))
        yield running


async def ended(evaluator: EvaluatorProcess, kill_at: tuple[int, ...] = ()) -> Row:
    """How an evaluation ends; the process is killed each time that so many cases are done."""

    def look(row: Row) -> bool:
        if kill_at[evaluator.kills :] and row["done"] >= kill_at[evaluator.kills]:
            evaluator.kill()
        return row["completed_at"] is not None

    return await evaluator.until(await evaluator.request("six-hundred"), look, DONE_WITHIN_S)


async def found(evaluator: EvaluatorProcess, run_id: UUID) -> tuple[list[tuple[Any, ...]], Row]:
    """Each case with its answer and scores, and the metrics; without what no two runs have in common."""
    sql = "SELECT ordinal, repeat, answer, scores FROM results WHERE run_id = $1 ORDER BY ordinal, repeat"
    rows = [
        (row["ordinal"], row["repeat"], _shared(row["answer"]), _shared(row["scores"])) for row in await evaluator.pool.fetch(sql, run_id)
    ]
    record = await evaluator.pool.fetchval("SELECT record FROM v_eval_runs WHERE run_id = $1", run_id)
    return rows, {one["metric"]: one for one in record["metrics"] if one["metric"] not in _OWN}


async def asked_of(evaluator: EvaluatorProcess) -> int:
    """How many questions rag was asked."""
    async with httpx.AsyncClient(base_url=evaluator.env["EVALUATOR_RAG__URL"]) as http:
        return int((await http.get(ASKED)).json().get(QUERY, 0))


async def test_a_run_that_is_killed_three_times_ends_as_one_that_was_left_alone(evaluator: EvaluatorProcess) -> None:
    """No case is missing, none is scored twice, and no more are asked again than were in hand."""
    alone = await ended(evaluator)
    before = await asked_of(evaluator)

    killed = await ended(evaluator, KILLED_AT)
    again = await asked_of(evaluator) - before - CASES

    assert (evaluator.kills, alone["status"], killed["status"]) == (3, "completed", "completed"), evaluator.log.read_text()[-3000:]
    assert (killed["done"], killed["failed"]) == (CASES, 0)
    assert await found(evaluator, killed["candidate_run"]) == await found(evaluator, alone["candidate_run"])
    assert 0 <= again <= 3 * 2 * CONCURRENCY


def _shared(told: Row) -> str:
    return json.dumps({name: value for name, value in told.items() if name not in _OWN}, sort_keys=True)
