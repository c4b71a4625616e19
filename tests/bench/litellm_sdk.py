"""LiteLLM and the SDK below it, in an interpreter that has them: `python -m tests.bench.litellm_sdk URL` prints one line of JSON.

LiteLLM wants another major version of the SDK than ours is, so it lives in an environment of its own and is held against its own SDK.
"""

import asyncio
import importlib
import json
import os
import sys
import time
from typing import Any

from tests.bench.turns import Call, take_turns

MODEL, MAX_TOKENS = "gpt-4o-mini", 64
MESSAGES = [{"role": "user", "content": "How long is there to answer a filing?"}]


async def main(url: str, loads: dict[str, int]) -> dict[str, dict[str, list[float]]]:
    """Milliseconds by load (`whole-N` with N at once, `first-1` to the first piece of a stream) and by who asked."""
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    litellm, openai = importlib.import_module("litellm"), importlib.import_module("openai")
    client = openai.AsyncOpenAI(api_key="none", base_url=url, max_retries=0)

    def asked(stream: bool) -> dict[str, Any]:
        return {"messages": MESSAGES, "max_tokens": MAX_TOKENS, "temperature": 0.0, "stream": stream}

    async def sdk(stream: bool) -> float:
        began = time.perf_counter()
        return await _taken(await client.chat.completions.create(model=MODEL, **asked(stream)), began, stream)

    async def lite(stream: bool) -> float:
        began = time.perf_counter()
        found = await litellm.acompletion(f"openai/{MODEL}", api_key="none", api_base=url, num_retries=0, **asked(stream))
        return await _taken(found, began, stream)

    def calls(stream: bool) -> dict[str, Call]:
        return {"sdk": lambda: sdk(stream), "litellm": lambda: lite(stream)}

    return {load: await take_turns(calls(load.startswith("first")), int(load.split("-")[1]), count) for load, count in loads.items()}


async def _taken(found: Any, began: float, stream: bool) -> float:
    if not stream:
        return (time.perf_counter() - began) * 1000
    first = None
    async for chunk in found:
        if first is None and chunk.choices and chunk.choices[0].delta.content:
            first = (time.perf_counter() - began) * 1000
    assert first is not None
    return first


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(sys.argv[1], json.loads(sys.argv[2])))))
