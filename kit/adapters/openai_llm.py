"""OpenAI's chat completions, and the servers that speak the same (vLLM, TGI, llama.cpp)."""

import re

import openai
from openai import AsyncOpenAI
from openai.types import CompletionUsage
from openai.types.chat import ChatCompletion, ChatCompletionMessageParam

from kit.adapters.prices import cost_usd
from kit.adapters.sdk_errors import translated, unreadable
from kit.ports.llm import Completion, CompletionRequest, FinishReason, Message, Role, TokenUsage

# These think before they answer: they take no temperature, and another name for the limit, which includes the thinking.
_REASONING = re.compile(r"(?:o\d|gpt-[5-9])(?!.*chat)")
_FINISH = {"length": FinishReason.LENGTH, "content_filter": FinishReason.REFUSED}


class OpenAILLM:
    """`LLMClient` over the SDK's client, which brings key, address and timeout and should not retry by itself (`max_retries=0`)."""

    provider = "openai"

    def __init__(self, client: AsyncOpenAI, model: str) -> None:
        self.model = model
        self._client = client

    async def complete(self, request: CompletionRequest) -> Completion:
        messages = [_param(message) for message in request.messages]
        with translated(openai, "llm"):
            if _REASONING.match(self.model):
                found = await self._client.chat.completions.create(
                    model=self.model, messages=messages, max_completion_tokens=request.max_tokens
                )
            else:
                found = await self._client.chat.completions.create(
                    model=self.model, messages=messages, max_tokens=request.max_tokens, temperature=request.temperature
                )
        return self._completion(found)

    def _completion(self, found: ChatCompletion) -> Completion:
        if not isinstance(found, ChatCompletion) or not found.choices:
            raise unreadable("llm", "it is no chat completion")
        choice = found.choices[0]
        refusal = choice.message.refusal
        finish = FinishReason.REFUSED if refusal else _FINISH.get(choice.finish_reason, FinishReason.STOP)
        model = found.model or self.model
        return Completion(choice.message.content or refusal or "", self.provider, model, self._usage(found.usage, model), finish)

    def _usage(self, usage: CompletionUsage | None, model: str) -> TokenUsage:
        if usage is None:
            return TokenUsage(0, 0, None)
        cached = (usage.prompt_tokens_details and usage.prompt_tokens_details.cached_tokens) or 0
        cost = cost_usd(self.provider, model, usage.prompt_tokens, usage.completion_tokens, cached)
        return TokenUsage(usage.prompt_tokens, usage.completion_tokens, cost)


def _param(message: Message) -> ChatCompletionMessageParam:
    match message.role:
        case Role.SYSTEM:
            return {"role": "system", "content": message.content}
        case Role.USER:
            return {"role": "user", "content": message.content}
        case Role.ASSISTANT:
            return {"role": "assistant", "content": message.content}
