"""What an evaluator that has a collector exports of an evaluation."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.bench.evaluator import EvaluatorProcess, cases_of, running_evaluator
from tests.bench.rag_server import running_rag
from workbench.stack.servers import Servers

CASES, WITHIN_S = 3, 60.0

Exporting = tuple[EvaluatorProcess, list[Span]]


@contextmanager
def collector() -> Iterator[tuple[str, list[Span]]]:
    """Its address, and the spans that it was sent so far."""
    spans: list[Span] = []

    class Taking(BaseHTTPRequestHandler):
        """OTLP over HTTP."""

        def do_POST(self) -> None:
            """Takes what is sent to /v1/traces."""
            told = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["content-length"])))
            spans.extend(span for resource in told.resource_spans for scope in resource.scope_spans for span in scope.spans)
            self.send_response(200 if self.path == "/v1/traces" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", spans
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
async def exporting(database: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Exporting]:
    """The process, with a dataset `three`, and what it exports."""
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
    with collector() as (address, spans):
        async with running_rag() as rag, running_evaluator(database, tmp_path, rag, OTLP_ENDPOINT=address) as running:
            await running.upload("three", cases_of(CASES))
            yield running, spans


async def test_every_case_has_a_span_with_its_scores_below_that_of_its_shard(exporting: Exporting) -> None:
    """One trace from the shard's record on."""
    evaluator, spans = exporting

    await evaluator.until(await evaluator.request("three"), lambda row: row["completed_at"] is not None, WITHIN_S)
    async with asyncio.timeout(WITHIN_S):
        while len([span for span in spans if span.name == "evaluate"]) < CASES or not _parents(spans):
            await asyncio.sleep(0.05)

    cases = [span for span in spans if span.name == "evaluate"]
    assert {event.name for span in cases for event in span.events} == {"gen_ai.evaluation.result"}
    assert [_scores(span)["correct"] for span in sorted(cases, key=lambda span: _scores(span)["correct"])] == [0.0, 0.0, 1.0]
    assert len(_parents(spans)) == 1


def _scores(span: Span) -> dict[str, float]:
    told = [{one.key: one.value for one in event.attributes} for event in span.events]
    of = {one["gen_ai.evaluation.name"].string_value: one.get("gen_ai.evaluation.score.value") for one in told}
    return {name: value.double_value for name, value in of.items() if value is not None}


def _parents(spans: list[Span]) -> set[str]:
    """The names of those that the cases' spans stand below."""
    above = {span.parent_span_id for span in spans if span.name == "evaluate"}
    return {span.name for span in spans if span.span_id in above}
