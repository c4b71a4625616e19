"""Every call of a provider has a span and is counted, under the names of OpenTelemetry and without its content."""

import asyncio
from contextlib import aclosing

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from prometheus_client import REGISTRY

from kit.clock import SystemClock
from kit.errors import Transient
from kit.fakes.llm import Line, ScriptedLLM
from kit.gateway.telemetry import Observed, forget
from tests.unit.gateway.asking import ask, failed, said


class Recorder:
    """An observed script, and the spans of its calls."""

    def __init__(self, *lines: Line, model: str, takes_s: float = 0.0) -> None:
        self._exporter, provider = InMemorySpanExporter(), TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        inner = ScriptedLLM(lines, provider="openai", model=model, takes_s=takes_s)
        self.client = Observed(inner, SystemClock(), provider.get_tracer("test"))
        self.model = model

    @property
    def span(self) -> ReadableSpan:
        """The only one."""
        (span,) = self._exporter.get_finished_spans()
        return span

    def sample(self, name: str, **labels: str) -> float | None:
        """The metric of this model."""
        named = {"gen_ai_operation_name": "chat", "gen_ai_provider_name": "openai", "gen_ai_request_model": self.model}
        return REGISTRY.get_sample_value(name, named | labels)


async def test_a_call_has_a_span_with_the_names_of_the_conventions() -> None:
    """Of the kind that calls something else."""
    recorder = Recorder("All is well.", model="whole")

    await recorder.client.complete(ask("What now?", max_tokens=9, seed=3, response_schema={}))

    assert (recorder.span.name, recorder.span.kind) == ("chat whole", SpanKind.CLIENT)
    assert dict(recorder.span.attributes or {}) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.output.type": "json",
        "gen_ai.request.model": "whole",
        "gen_ai.request.max_tokens": 9,
        "gen_ai.request.temperature": 0.0,
        "gen_ai.request.seed": 3,
        "gen_ai.response.model": "whole",
        "gen_ai.response.id": "scripted-1",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 2,
        "gen_ai.usage.output_tokens": 3,
    }


async def test_a_call_is_counted() -> None:
    """Its tokens by direction, and its time."""
    recorder = Recorder("All is well.", model="counted")

    await recorder.client.complete(ask())

    assert recorder.sample("gen_ai_client_token_usage_sum", gen_ai_token_type="input") == 2
    assert recorder.sample("gen_ai_client_token_usage_sum", gen_ai_token_type="output") == 3
    assert recorder.sample("gen_ai_client_operation_duration_seconds_count", error_type="") == 1
    assert recorder.sample("gen_ai_client_operation_time_to_first_chunk_seconds_count") is None


async def test_a_stream_tells_when_its_first_piece_came() -> None:
    """Once, however many pieces there are."""
    recorder = Recorder("All is well.", model="streamed", takes_s=0.002)

    await said(recorder.client, ask())

    attributes = dict(recorder.span.attributes or {})
    assert attributes["gen_ai.request.stream"] is True
    assert 0.002 <= float(str(attributes["gen_ai.response.time_to_first_chunk"])) < 1
    assert recorder.sample("gen_ai_client_operation_time_to_first_chunk_seconds_count") == 1


async def test_a_failure_is_told_by_its_code_alone() -> None:
    """A provider's message may quote the request."""
    recorder = Recorder(Transient("llm_failed", "about your secret"), model="failing")

    with pytest.raises(Transient):
        await recorder.client.complete(ask())

    assert (recorder.span.attributes or {})["error.type"] == "llm_failed"
    assert recorder.span.status.status_code is StatusCode.ERROR
    assert "secret" not in recorder.span.to_json()
    assert recorder.sample("gen_ai_client_operation_duration_seconds_count", error_type="llm_failed") == 1


async def test_the_content_is_in_no_span() -> None:
    """Neither question nor answer nor stop sequence."""
    recorder = Recorder("The answer is hush.", model="hush")

    await said(recorder.client, ask("My secret?", stop=("secret stop",)))

    assert "hush." not in recorder.span.to_json()
    assert "secret" not in recorder.span.to_json()


async def test_a_call_that_is_cancelled_or_closed_ends_its_span() -> None:
    """And is counted as such."""
    recorder = Recorder("All is well.", model="cancelled", takes_s=0.01)
    task = asyncio.create_task(recorder.client.complete(ask()))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    ended = recorder.span

    async with aclosing(recorder.client.stream(ask())) as pieces:
        await anext(pieces)

    assert (ended.attributes or {})["error.type"] == "cancelled"
    assert recorder.sample("gen_ai_client_operation_duration_seconds_count", error_type="cancelled") == 2


async def test_a_model_that_is_forgotten_has_no_time_series() -> None:
    """Whatever its calls ended with."""
    recorder = Recorder("All is well.", failed(), model="forgotten")
    await said(recorder.client, ask())
    with pytest.raises(Transient):
        await recorder.client.complete(ask())

    forget("openai", "forgotten")

    left = [sample for metric in REGISTRY.collect() for sample in metric.samples if "forgotten" in sample.labels.values()]
    assert left == []
