"""A span and metrics for every call of a provider, named as OpenTelemetry's conventions for generative AI do; never its content.

The conventions (open-telemetry/semantic-conventions-genai) are in development: their attribute names stand here and nowhere else, those of
their metrics in `kit/metrics.py`.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from types import TracebackType
from typing import Self

from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer
from opentelemetry.util.types import AttributeValue

from kit.clock import Clock
from kit.errors import WorkbenchError
from kit.metrics import LLM_BREAKER, LLM_FIRST_CHUNK_SECONDS, LLM_SECONDS, LLM_TOKENS
from kit.ports.llm import Completion, CompletionRequest, LLMClient

CHAT = "chat"
OPERATION_NAME = "gen_ai.operation.name"
PROVIDER_NAME = "gen_ai.provider.name"
OUTPUT_TYPE = "gen_ai.output.type"
REQUEST_MODEL = "gen_ai.request.model"
REQUEST_MAX_TOKENS = "gen_ai.request.max_tokens"
REQUEST_TEMPERATURE = "gen_ai.request.temperature"
REQUEST_SEED = "gen_ai.request.seed"
REQUEST_STREAM = "gen_ai.request.stream"
RESPONSE_ID = "gen_ai.response.id"
RESPONSE_MODEL = "gen_ai.response.model"
RESPONSE_FINISH_REASONS = "gen_ai.response.finish_reasons"
RESPONSE_FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
EVALUATION_RESULT = "gen_ai.evaluation.result"
EVALUATION_NAME = "gen_ai.evaluation.name"
SCORE_VALUE = "gen_ai.evaluation.score.value"
SCORE_LABEL = "gen_ai.evaluation.score.label"
ERROR_TYPE = "error.type"
CANCELLED = "cancelled"

_PROVIDER_LABEL, _MODEL_LABEL = "gen_ai_provider_name", "gen_ai_request_model"


class Observed:
    """`LLMClient` whose every call has a span and is counted; one that was cancelled, too, with `error.type` = `cancelled`."""

    def __init__(self, inner: LLMClient, clock: Clock, tracer: Tracer) -> None:
        self.provider, self.model = inner.provider, inner.model
        self._inner = inner
        self._clock = clock
        self._tracer = tracer

    async def complete(self, request: CompletionRequest) -> Completion:
        with self._call(request, streams=False) as call:
            return call.completed(await self._inner.complete(request))

    async def stream(self, request: CompletionRequest) -> AsyncGenerator[str | Completion, None]:
        with self._call(request, streams=True) as call:
            async with aclosing(self._inner.stream(request)) as pieces:
                async for piece in pieces:
                    yield call.completed(piece) if isinstance(piece, Completion) else call.piece(piece)

    def _call(self, request: CompletionRequest, streams: bool) -> "_Call":
        # The span is not made the current one: a generator may be closed in another context than it began in.
        span = self._tracer.start_span(f"{CHAT} {self.model}", kind=SpanKind.CLIENT)
        if span.is_recording():
            span.set_attributes({PROVIDER_NAME: self.provider, REQUEST_MODEL: self.model} | _asked(request, streams))
        return _Call(self._inner, self._clock, span)


class _Call:
    """One call from its beginning to its end."""

    def __init__(self, client: LLMClient, clock: Clock, span: Span) -> None:
        self._labels = (CHAT, client.provider, client.model)
        self._clock = clock
        self._span = span
        self._began = clock.monotonic()
        self._first_s: float | None = None

    def piece(self, text: str) -> str:
        if self._first_s is None:
            self._first_s = self._clock.monotonic() - self._began
            LLM_FIRST_CHUNK_SECONDS.labels(*self._labels).observe(self._first_s)
            self._span.set_attribute(RESPONSE_FIRST_CHUNK, self._first_s)
        return text

    def completed(self, completion: Completion) -> Completion:
        usage = completion.usage
        LLM_TOKENS.labels(*self._labels, "input").observe(usage.input_tokens)
        LLM_TOKENS.labels(*self._labels, "output").observe(usage.output_tokens)
        if self._span.is_recording():
            self._span.set_attributes(_answered(completion))
        return completion

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        failure = _failure(error)
        LLM_SECONDS.labels(*self._labels, failure).observe(self._clock.monotonic() - self._began)
        if failure:
            self._span.set_attribute(ERROR_TYPE, failure)
            self._span.set_status(Status(StatusCode.ERROR))
        self._span.end()


def forget(provider: str, model: str) -> None:
    """Ends the time series of a model, so that names which callers make up do not stay for ever."""
    for metric in (LLM_TOKENS, LLM_SECONDS, LLM_FIRST_CHUNK_SECONDS):
        metric.remove_by_labels({_PROVIDER_LABEL: provider, _MODEL_LABEL: model})
    LLM_BREAKER.remove_by_labels({"provider": provider, "model": model})


def _asked(request: CompletionRequest, streams: bool) -> dict[str, AttributeValue]:
    asked: dict[str, AttributeValue | None] = {
        OPERATION_NAME: CHAT,
        OUTPUT_TYPE: "json" if request.response_schema is not None else "text",
        REQUEST_MAX_TOKENS: request.max_tokens,
        REQUEST_TEMPERATURE: request.temperature,
        REQUEST_SEED: request.seed,
        REQUEST_STREAM: streams or None,
    }
    return {name: value for name, value in asked.items() if value is not None}


def _answered(completion: Completion) -> dict[str, AttributeValue]:
    answered: dict[str, AttributeValue] = {
        RESPONSE_MODEL: completion.model,
        RESPONSE_FINISH_REASONS: (completion.finish_reason.value,),
        INPUT_TOKENS: completion.usage.input_tokens,
        OUTPUT_TOKENS: completion.usage.output_tokens,
    }
    return answered | ({RESPONSE_ID: completion.provider_request_id} if completion.provider_request_id else {})


def _failure(error: BaseException | None) -> str:
    if error is None:
        return ""
    if isinstance(error, asyncio.CancelledError | GeneratorExit):
        return CANCELLED
    return error.code if isinstance(error, WorkbenchError) else type(error).__name__
