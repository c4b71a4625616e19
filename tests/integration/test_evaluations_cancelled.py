"""An evaluation is cancelled while the only evaluator asks its questions, which nobody answers for a long time."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from time import monotonic

import pytest

from tests.bench.evaluator import EvaluatorProcess, cases_of, running_evaluator
from tests.bench.rag_server import running_rag
from tests.brokers import Broker
from tests.integration.test_evaluations_killed import asked_of
from workbench.stack.servers import Servers, fresh_database

CASES, CONCURRENCY, LATENCY_S = 40, 4, 30.0
# Who hears of it only when the questions that are asked are answered needs twice as long.
WITHIN_S = LATENCY_S / 2
STARTED_WITHIN_S = 60


@pytest.fixture
async def evaluator(servers: Servers, broker: Broker, tmp_path: Path) -> AsyncIterator[EvaluatorProcess]:
    """The process, alone, with a dataset `forty` and a rag that takes half a minute for an answer."""
    fresh = replace(fresh_database(servers), kafka=broker.bootstrap_servers)
    async with running_rag(LATENCY_S) as rag, running_evaluator(fresh, tmp_path, rag, RAG__CONCURRENCY=str(CONCURRENCY)) as running:
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
    await evaluator.until(other, lambda row: row["status"] == "running", WITHIN_S)
    await asyncio.wait_for(asked(evaluator, 2 * CONCURRENCY), WITHIN_S)

    assert (seen["status"], seen["done"]) == ("cancelled", 0)
    assert took_s < WITHIN_S
    assert await asked_of(evaluator) == 2 * CONCURRENCY
