"""Anthropic's Messages API."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any

import anthropic
from anthropic import AsyncAnthropic, AsyncStream
from anthropic.types import Message as Answer
from anthropic.types import MessageDeltaUsage, RawMessageStreamEvent, Usage

from kit.adapters.deadlines import ROLE, Deadlines
from kit.adapters.prices import cost_usd
from kit.adapters.sdk_errors import cut, readable, translated, translated_stream, unreadable
from kit.errors import Permanent
from kit.ports.llm import Completion, CompletionRequest, FinishReason, Role, TokenUsage

ANTHROPIC = "anthropic"
_FINISH = {
    "max_tokens": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
    "refusal": FinishReason.REFUSED,
}
_COUNTS = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")


@dataclass(slots=True)
class _Draft:
    """What has come of an answer. The counts of a stream are running totals, of which some come at its begin and some at its end."""

    model: str
    request_id: str | None
    text: list[str] = field(default_factory=list)
    stop: str | None = None
    counts: dict[str, int] = field(default_factory=dict)
    began: bool = False
    ended: bool = False

    def add(self, event: RawMessageStreamEvent) -> str:
        """Takes an event of a stream; gives the text it brought."""
        match event.type:
            case "message_start":
                self.began, self.model = True, event.message.model
                self.count(event.message.usage)
            case "content_block_delta" if event.delta.type == "text_delta":
                self.text.append(event.delta.text)
                return event.delta.text
            case "message_delta":
                self.stop = event.delta.stop_reason
                self.count(event.usage)
            case "message_stop":
                self.ended = True
        return ""

    def count(self, usage: Usage | MessageDeltaUsage) -> None:
        """Takes the newest counts."""
        self.counts |= {name: value for name in _COUNTS if (value := getattr(usage, name, None)) is not None}


class AnthropicLLM:
    """`LLMClient` over the SDK's client, which brings key and address and should not retry by itself (`max_retries=0`).

    The API takes no seed, and no temperature any more: those of the request have no effect.
    """

    provider = ANTHROPIC

    def __init__(self, client: AsyncAnthropic, model: str, deadlines: Deadlines) -> None:
        self.model = model
        self._client = client
        self._deadlines = deadlines

    async def complete(self, request: CompletionRequest) -> Completion:
        async with self._deadlines.whole():
            with translated(anthropic, ROLE):
                found: Answer = await self._client.messages.create(**self._arguments(request))
        if not isinstance(found, Answer) or not found.usage:
            raise unreadable(ROLE, "it is no message")
        with readable(ROLE):
            text = [block.text for block in found.content if block.type == "text"]
            draft = _Draft(found.model, found._request_id or found.id, text, found.stop_reason)
            draft.count(found.usage)
            return self._completion(draft)

    def stream(self, request: CompletionRequest) -> AsyncGenerator[str | Completion, None]:
        return self._deadlines.pieces(self._pieces(request))

    async def _pieces(self, request: CompletionRequest) -> AsyncGenerator[str | Completion, None]:
        with translated(anthropic, ROLE):
            stream: AsyncStream[RawMessageStreamEvent] = await self._client.messages.create(**self._arguments(request), stream=True)
        draft = _Draft(self.model, stream.response.headers.get("request-id"))
        async with stream:
            with translated_stream(anthropic, ROLE), readable(ROLE):
                async for event in stream:
                    if piece := draft.add(event):
                        yield piece
        if not draft.began:
            raise unreadable(ROLE, "it is no stream of events")
        if not draft.ended:
            raise cut(ROLE)
        with readable(ROLE):
            completion = self._completion(draft)
        yield completion

    def _arguments(self, request: CompletionRequest) -> dict[str, Any]:
        turns = [
            {"role": message.role.value, "content": message.content} for message in request.messages if message.role is not Role.SYSTEM
        ]
        arguments: dict[str, Any] = {"model": self.model, "messages": turns, "max_tokens": request.max_tokens}
        if system := "\n\n".join(message.content for message in request.messages if message.role is Role.SYSTEM):
            arguments["system"] = system
        if request.stop:
            arguments["stop_sequences"] = list(request.stop)
        if request.response_schema is not None:
            arguments["output_config"] = {"format": {"type": "json_schema", "schema": _schema(request.response_schema)}}
        return arguments

    def _completion(self, draft: _Draft) -> Completion:
        finish = _FINISH.get(draft.stop or "", FinishReason.STOP)
        return Completion("".join(draft.text), self.provider, draft.model, self._usage(draft), finish, draft.request_id)

    def _usage(self, draft: _Draft) -> TokenUsage:
        counts = draft.counts
        cached, written = counts.get("cache_read_input_tokens", 0), counts["output_tokens"]
        read = counts["input_tokens"] + cached + counts.get("cache_creation_input_tokens", 0)
        return TokenUsage(read, written, cost_usd(self.provider, draft.model, read, written, cached))


def _schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema with what the API does not know (bounds, lengths) said in descriptions, where the model reads it."""
    try:
        return anthropic.transform_schema(dict(schema))
    except ValueError as error:
        raise Permanent("llm_schema_unsupported", f"this schema cannot be asked of Anthropic; change it: {error}") from error
