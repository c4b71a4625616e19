"""`make smoke-providers`: asks each provider whose key is in the environment a small question, at once and in a stream. Costs a cent."""

import asyncio
import os
import sys
from collections.abc import Mapping
from contextlib import aclosing

from kit.adapters.open_llm import open_llm
from kit.errors import WorkbenchError
from kit.fakes.embedding import HashEmbedding
from kit.ports.llm import Completion, CompletionRequest, Message, Role
from kit.settings import LLMProvider, LLMSettings

KEYS = {LLMProvider.OPENAI: "OPENAI_API_KEY", LLMProvider.ANTHROPIC: "ANTHROPIC_API_KEY"}
REQUEST = CompletionRequest((Message(Role.USER, "Answer with one word: what is the capital of France?"),))


async def main(environment: Mapping[str, str] = os.environ) -> int:
    """Prints a line for each provider; gives 1 if one that has a key does not answer."""
    failed = 0
    for provider, variable in KEYS.items():
        if not (key := environment.get(variable)):
            print(f"{provider}: skipped, {variable} is not set")
            continue
        try:
            for completion in await _asked(provider, key):
                print(f"{provider}: {_told(completion)}")
        except WorkbenchError as error:
            failed = 1
            print(f"{provider}: FAILED, {error.code}: {error.message}")
    return failed


async def _asked(provider: LLMProvider, key: str) -> tuple[Completion, Completion]:
    settings = LLMSettings.model_validate({"provider": provider, f"{provider}_api_key": key})
    async with open_llm(settings, HashEmbedding()) as llm:
        whole = await llm.complete(REQUEST)
        async with aclosing(llm.stream(REQUEST)) as stream:
            *pieces, last = [piece async for piece in stream]
    assert isinstance(last, Completion)
    assert last.text == "".join(str(piece) for piece in pieces)
    return whole, last


def _told(completion: Completion) -> str:
    usage = completion.usage
    counts = f"{usage.input_tokens} + {usage.output_tokens} tokens, ${usage.cost_usd}"
    return f"{completion.text.strip()!r} ({completion.model}, {completion.finish_reason}, {counts}, {completion.provider_request_id})"


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
