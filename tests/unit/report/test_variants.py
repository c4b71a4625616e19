"""Every way of retrieval that a variant can name is measured."""

import httpx
import pytest

from services.evaluator.metrics.spans import Span
from services.rag.variants import VariantDefinition
from tests.bench.report import MeasurementFailed
from tests.report.sets import Question
from tests.report.variants import ask, wanted

HIT = {"document_id": "a", "start": 0, "end": 5}


def answering(**told: object) -> httpx.AsyncClient:
    """A service that finds one chunk."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json={"hits": [HIT], **told}))
    return httpx.AsyncClient(transport=transport, base_url="http://service.test")


@pytest.mark.parametrize("name", list(wanted()))
def test_what_is_measured_is_what_a_variant_can_say(name: str) -> None:
    """On top of the default."""
    definition = VariantDefinition.model_validate(VariantDefinition().model_dump() | wanted()[name])

    assert definition != VariantDefinition() or name == "hybrid-dbsf"


async def test_a_run_has_what_was_found_for_each_question() -> None:
    """And how long it took."""
    async with answering() as http:
        run = await ask(http, "dense", "dense@1", [Question("?", "t", frozenset({"a"}))] * 2, 10, [])

    assert (run.found, len(run.ms)) == ([[Span("a", 0, 5)]] * 2, 2)


async def test_an_answer_by_a_fallback_is_no_measurement() -> None:
    """A reranker that timed out would be measured as the order before it."""
    async with answering(degraded=["rerank"]) as http:
        with pytest.raises(MeasurementFailed, match="1 of 1 were answered in another way"):
            await ask(http, "rerank", "rerank@1", [Question("?", "t", frozenset({"a"}))], 10, [])


async def test_an_answer_by_a_fallback_is_asked_for_again() -> None:
    """The reranker has read the texts by then."""
    told = iter([["reranker"], []])
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json={"hits": [HIT], "degraded": next(told)}))
    async with httpx.AsyncClient(transport=transport, base_url="http://service.test") as http:
        run = await ask(http, "rerank", "rerank@1", [Question("?", "t", frozenset({"a"}))], 10, [])

    assert (run.found, len(run.ms)) == ([[Span("a", 0, 5)]], 1)
