"""OpenAI's chat completions, and the servers that speak the same (vLLM, TGI, llama.cpp, Ollama)."""

import re
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any

import openai
import structlog
from openai import AsyncOpenAI, AsyncStream
from openai.types import CompletionUsage
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from kit.adapters.deadlines import ROLE, Deadlines
from kit.adapters.prices import cost_usd
from kit.adapters.sdk_errors import cut, readable, translated, translated_stream, unreadable
from kit.adapters.strict_schema import is_strict
from kit.adapters.tokens import TokenCounter
from kit.ports.llm import Completion, CompletionRequest, FinishReason, TokenUsage

log = structlog.get_logger(__name__)

OPENAI = "openai"
# These think before they answer: they take no temperature, and another name for the limit, which includes the thinking.
_REASONING = re.compile(r"(?:o\d|gpt-[5-9])(?!.*chat)")
_FINISH = {"length": FinishReason.LENGTH, "content_filter": FinishReason.REFUSED}
_FORMAT_NAME = "answer"


@dataclass(slots=True)
class _Draft:
    """What has come of an answer, and what its end will need; `text` and `refusal` in pieces."""

    model: str
    request_id: str | None = None
    text: list[str] = field(default_factory=list)
    refused: bool = False
    finish: str | None = None
    usage: CompletionUsage | None = None
    began: bool = False

    def add(self, chunk: ChatCompletionChunk) -> str:
        """Takes a chunk of a stream; gives the text it brought."""
        self.began, self.model, self.usage = True, chunk.model or self.model, chunk.usage or self.usage
        self.request_id = self.request_id or chunk.id
        if not chunk.choices:
            return ""
        choice = chunk.choices[0]
        self.finish = choice.finish_reason or self.finish
        self.refused = self.refused or bool(choice.delta.refusal)
        piece = choice.delta.content or choice.delta.refusal or ""
        self.text.append(piece)
        return piece


class OpenAILLM:
    """`LLMClient` over the SDK's client, which brings key and address and should not retry by itself (`max_retries=0`).

    A server that only speaks the same has another name as `provider`; its models take `max_tokens` and a temperature whatever they are
    called. Tokens that a server does not count are estimated, which the usage and a log line say.
    """

    def __init__(self, client: AsyncOpenAI, model: str, deadlines: Deadlines, counter: TokenCounter, provider: str = OPENAI) -> None:
        self.model = model
        self.provider = provider
        self._client = client
        self._deadlines = deadlines
        self._counter = counter
        self._reasons = provider == OPENAI and _REASONING.match(model) is not None

    async def complete(self, request: CompletionRequest) -> Completion:
        async with self._deadlines.whole():
            with translated(openai, ROLE):
                found: ChatCompletion = await self._client.chat.completions.create(**self._arguments(request))
        if not isinstance(found, ChatCompletion) or not found.choices:
            raise unreadable(ROLE, "it is no chat completion")
        with readable(ROLE):
            choice = found.choices[0]
            message = choice.message
            text, refused = message.content or message.refusal or "", bool(message.refusal)
            request_id = found._request_id or found.id
            draft = _Draft(found.model or self.model, request_id, [text], refused, choice.finish_reason, found.usage)
            return self._completion(request, draft)

    def stream(self, request: CompletionRequest) -> AsyncGenerator[str | Completion, None]:
        return self._deadlines.pieces(self._pieces(request))

    async def _pieces(self, request: CompletionRequest) -> AsyncGenerator[str | Completion, None]:
        with translated(openai, ROLE):
            stream: AsyncStream[ChatCompletionChunk] = await self._client.chat.completions.create(
                **self._arguments(request), stream=True, stream_options={"include_usage": True}
            )
        draft = _Draft(self.model, stream.response.headers.get("x-request-id"))
        async with stream:
            with translated_stream(openai, ROLE), readable(ROLE):
                async for chunk in stream:
                    if piece := draft.add(chunk):
                        yield piece
        if not draft.began:
            raise unreadable(ROLE, "it is no stream of chunks")
        if draft.finish is None:
            raise cut(ROLE)
        yield self._completion(request, draft)

    def _arguments(self, request: CompletionRequest) -> dict[str, Any]:
        messages = [{"role": message.role.value, "content": message.content} for message in request.messages]
        arguments: dict[str, Any] = {"model": self.model, "messages": messages}
        if self._reasons:
            arguments["max_completion_tokens"] = request.max_tokens
        else:
            arguments["max_tokens"] = request.max_tokens
            if request.temperature is not None:
                arguments["temperature"] = request.temperature
        if request.stop:
            arguments["stop"] = list(request.stop)
        if request.seed is not None:
            arguments["seed"] = request.seed
        if request.response_schema is not None:
            arguments["response_format"] = _format(request.response_schema)
        return arguments

    def _completion(self, request: CompletionRequest, draft: _Draft) -> Completion:
        text = "".join(draft.text)
        finish = FinishReason.REFUSED if draft.refused else _FINISH.get(draft.finish or "", FinishReason.STOP)
        return Completion(text, self.provider, draft.model, self._usage(request, draft, text), finish, draft.request_id)

    def _usage(self, request: CompletionRequest, draft: _Draft, text: str) -> TokenUsage:
        usage = draft.usage
        if usage is None or usage.prompt_tokens is None or usage.completion_tokens is None:
            return self._estimated(request, draft.model, text)
        cached = (usage.prompt_tokens_details and usage.prompt_tokens_details.cached_tokens) or 0
        cost = cost_usd(self.provider, draft.model, usage.prompt_tokens, usage.completion_tokens, cached)
        return TokenUsage(usage.prompt_tokens, usage.completion_tokens, cost)

    def _estimated(self, request: CompletionRequest, model: str, text: str) -> TokenUsage:
        log.info("llm.usage.estimated", provider=self.provider, model=model)
        read, written = self._counter.request(request), self._counter.text(text)
        return TokenUsage(read, written, cost_usd(self.provider, model, read, written), estimated=True)


def _format(schema: Mapping[str, Any]) -> dict[str, Any]:
    described = {"name": _FORMAT_NAME, "schema": dict(schema), "strict": is_strict(schema)}
    return {"type": "json_schema", "json_schema": described}
