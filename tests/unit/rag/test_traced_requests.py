"""A request is one span: of the caller's trace, and named by its route."""

import httpx
from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from kit.tracing import current_trace_id
from services.rag.api.middleware import TELEMETRY, Observed

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


async def test_a_request_is_one_span_below_its_callers() -> None:
    """Not one for FastAPI and one of ours, nor one for each step; ids in the path make no names of their own."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    app = FastAPI(telemetry=TelemetryConfig(**TELEMETRY, tracer_provider=provider))
    app.add_middleware(Observed)

    @app.get("/documents/{document_id}")
    async def told(document_id: str) -> str | None:
        return current_trace_id()

    async with httpx.AsyncClient(base_url="http://rag", transport=httpx.ASGITransport(app)) as http:
        answer = await http.get("/documents/d1", headers={"traceparent": f"00-{TRACE}-{CALLER}-01"})

    assert answer.json() == TRACE
    [span] = exporter.get_finished_spans()
    assert (span.name, span.kind) == ("GET /documents/{document_id}", SpanKind.SERVER)
    assert span.parent is not None
    assert span.parent.span_id == int(CALLER, 16)
