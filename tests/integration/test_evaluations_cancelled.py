"""An evaluation is cancelled while the only evaluator asks its questions, which nobody answers for a long time."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from time import monotonic

import pytest

from tests.bench.evaluator import EvaluatorProcess, cases_of, running_evaluator
from tests.bench.rag_server import running_rag
from tests.integration.test_evaluations_killed import asked_of
from workbench.stack.servers import Servers

CASES, CONCURRENCY, LATENCY_S = 40, 4, 30.0
WITHIN_S = 3.0
STARTED_WITHIN_S = 60
FREE_AGAIN_WITHIN_S = 5.0


@pytest.fixture
async def evaluator(database: Servers, tmp_path: Path) -> AsyncIterator[EvaluatorProcess]:
    """The process, alone, with a dataset `forty` and a rag that takes half a minute for an answer."""
    async with running_rag(LATENCY_S) as rag, running_evaluator(database, tmp_path, rag, RAG__CONCURRENCY=str(CONCURRENCY)) as running:
        await running.upload("forty", cases_of(CASES))
        yield running


async def asked(evaluator: EvaluatorProcess, questions: int) -> None:
    """Returns when rag was asked so many questions."""
    async with asyncio.timeout(STARTED_WITHIN_S):
        while await asked_of(evaluator) < questions:
            await asyncio.sleep(0.05)


async def test_a_busy_evaluator_hears_at_once_that_an_evaluation_is_cancelled(evaluator: EvaluatorProcess) -> None:
    """It leaves the questions that it has asked, asks no more, and goes on with the next evaluation."""
    eval_id = await evaluator.request("forty")
    await asked(evaluator, CONCURRENCY)

    began = monotonic()
    await evaluator.cancel(eval_id)
    seen = await evaluator.until(eval_id, lambda row: row["completed_at"] is not None, LATENCY_S)
    took_s = monotonic() - began
    other = await evaluator.request("forty")
    await evaluator.until(other, lambda row: row["status"] == "running", FREE_AGAIN_WITHIN_S)
    await asyncio.wait_for(asked(evaluator, 2 * CONCURRENCY), FREE_AGAIN_WITHIN_S)

    assert (seen["status"], seen["done"]) == ("cancelled", 0)
    assert took_s < WITHIN_S
    assert await asked_of(evaluator) == 2 * CONCURRENCY
