"""A request is one span: of the caller's trace, and named by its route."""

from types import SimpleNamespace

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from services.rag.authenticate import ANYBODY
from tests.unit.rag.served import OneUser, direct
from workbench.publish import app

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


async def test_a_request_is_one_span_below_its_callers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not one for FastAPI and one of ours, nor one for each step; ids in the path make no names of their own."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    entry = app()
    entry.state.parts = SimpleNamespace(authenticator=OneUser(ANYBODY))

    async with direct(entry) as http:
        answer = await http.get("/documents/d1/text?start=x", headers={"traceparent": f"00-{TRACE}-{CALLER}-01"})

    [span] = exporter.get_finished_spans()
    assert (span.name, span.kind) == ("GET /documents/{document_id}/text", SpanKind.SERVER)
    assert span.parent is not None
    assert (span.parent.trace_id, span.parent.span_id) == (int(TRACE, 16), int(CALLER, 16))
    assert answer.status_code == 422
