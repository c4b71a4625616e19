"""JSON that fits the response schema, or an error."""

import json
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

from jsonschema_rs import RegexOptions, ValidationError, Validator, validator_for
from pydantic_core import from_json

from kit.errors import Permanent
from kit.gateway.faults import OUTPUT_INVALID, SCHEMA_INVALID
from kit.ports.llm import Completion, CompletionRequest, FinishReason, LLMClient, Message, Role, TokenUsage

_FENCED = re.compile(r"\s*```(?:json)?\s*\n(?P<json>.*)\n\s*```\s*", re.DOTALL)
_LONGEST_COMPLAINT = 500
_KEPT_SCHEMAS = 64
_REPAIR = "That does not fit the JSON schema: {complaint}. Answer again with JSON that fits it, and with nothing else."


class Structured:
    """`LLMClient` that fills `parsed` where a request has a response schema; other requests pass through.

    An answer that does not fit is sent back once with what is wrong, unless it was cut off; a stream cannot be. Raises Permanent
    `llm_output_invalid` if that does not help, and `response_schema_invalid` before any call. A refusal comes back with nothing parsed.

    Callers bring the schemas: references to other servers are not followed, and patterns take linear time.
    """

    def __init__(self, inner: LLMClient) -> None:
        self.provider, self.model = inner.provider, inner.model
        self._inner = inner
        self._compiled = lru_cache(_KEPT_SCHEMAS)(_compile)

    async def complete(self, request: CompletionRequest) -> Completion:
        validator = self._validator(request)
        completion = await self._inner.complete(request)
        if validator is None:
            return completion
        reading = _read(completion, validator)
        if reading.complaint and completion.finish_reason is FinishReason.STOP:
            completion = _sum(completion, await self._inner.complete(_repair(request, completion, reading.complaint)))
            reading = _read(completion, validator)
        return _filled(completion, reading)

    async def stream(self, request: CompletionRequest) -> AsyncGenerator[str | Completion, None]:
        validator = self._validator(request)
        async with aclosing(self._inner.stream(request)) as pieces:
            async for piece in pieces:
                yield piece if validator is None or isinstance(piece, str) else _filled(piece, _read(piece, validator))

    def _validator(self, request: CompletionRequest) -> Validator | None:
        if request.response_schema is None:
            return None
        return self._compiled(json.dumps(request.response_schema, sort_keys=True, default=dict))


class _Reading(NamedTuple):
    """The JSON value of a text, and what is wrong with it."""

    value: Any
    complaint: str = ""


def _compile(schema: str) -> Validator:
    try:
        return validator_for(schema, offline=True, pattern_options=RegexOptions())
    except ValueError as error:
        told = error.message if isinstance(error, ValidationError) else str(error)
        raise Permanent(SCHEMA_INVALID, f"the response schema is no JSON Schema that can be used; change it: {told}") from error


def _read(completion: Completion, validator: Validator) -> _Reading:
    if completion.finish_reason is FinishReason.REFUSED:
        return _Reading(None)
    fenced = _FENCED.fullmatch(completion.text)
    try:
        value = from_json(fenced["json"] if fenced else completion.text, allow_inf_nan=False)
    except ValueError as error:
        return _Reading(None, f"it is no JSON: {error}")
    wrong = next(validator.iter_errors(value), None)
    if wrong is None:
        return _Reading(value)
    where = "".join(f"/{part}" for part in wrong.instance_path) or "the whole"
    return _Reading(None, f"{where}: {wrong.message[:_LONGEST_COMPLAINT]}")


def _filled(completion: Completion, reading: _Reading) -> Completion:
    if not reading.complaint:
        return replace(completion, parsed=reading.value)
    advice = "raise max_tokens" if completion.finish_reason is FinishReason.LENGTH else "simplify the schema, or take another model"
    raise Permanent(OUTPUT_INVALID, f"the model's answer does not fit the response schema: {reading.complaint}; {advice}")


def _repair(request: CompletionRequest, completion: Completion, complaint: str) -> CompletionRequest:
    answer = [Message(Role.ASSISTANT, completion.text)] if completion.text.strip() else []
    return replace(request, messages=(*request.messages, *answer, Message(Role.USER, _REPAIR.format(complaint=complaint))))


def _sum(first: Completion, second: Completion) -> Completion:
    """The second answer, with what both consumed."""
    a, b = first.usage, second.usage
    cost = None if a.cost_usd is None or b.cost_usd is None else a.cost_usd + b.cost_usd
    usage = TokenUsage(a.input_tokens + b.input_tokens, a.output_tokens + b.output_tokens, cost, a.estimated or b.estimated)
    return replace(second, usage=usage, failovers=first.failovers + second.failovers)
