"""Anthropic's Messages API."""

import anthropic
from anthropic import AsyncAnthropic
from anthropic.types import Message as Answer
from anthropic.types import MessageParam, Usage

from kit.adapters.prices import cost_usd
from kit.adapters.sdk_errors import translated, unreadable
from kit.ports.llm import Completion, CompletionRequest, FinishReason, Message, Role, TokenUsage

_FINISH = {
    "max_tokens": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
    "refusal": FinishReason.REFUSED,
}


class AnthropicLLM:
    """`LLMClient` over the SDK's client, which brings key, address and timeout and should not retry by itself (`max_retries=0`).

    The API takes no temperature any more, so that of the request has no effect.
    """

    provider = "anthropic"

    def __init__(self, client: AsyncAnthropic, model: str) -> None:
        self.model = model
        self._client = client

    async def complete(self, request: CompletionRequest) -> Completion:
        with translated(anthropic, "llm"):
            found = await self._client.messages.create(
                model=self.model,
                system=_system(request) or anthropic.omit,
                messages=[_turn(message) for message in request.messages if message.role is not Role.SYSTEM],
                max_tokens=request.max_tokens,
            )
        if not isinstance(found, Answer) or not found.usage:
            raise unreadable("llm", "it is no message")
        text = "".join(block.text for block in found.content if block.type == "text")
        finish = _FINISH.get(found.stop_reason or "", FinishReason.STOP)
        return Completion(text, self.provider, found.model, self._usage(found.usage, found.model), finish)

    def _usage(self, usage: Usage, model: str) -> TokenUsage:
        cached = usage.cache_read_input_tokens or 0
        read = usage.input_tokens + cached + (usage.cache_creation_input_tokens or 0)
        return TokenUsage(read, usage.output_tokens, cost_usd(self.provider, model, read, usage.output_tokens, cached))


def _system(request: CompletionRequest) -> str:
    return "\n\n".join(message.content for message in request.messages if message.role is Role.SYSTEM)


def _turn(message: Message) -> MessageParam:
    if message.role is Role.ASSISTANT:
        return {"role": "assistant", "content": message.content}
    return {"role": "user", "content": message.content}
