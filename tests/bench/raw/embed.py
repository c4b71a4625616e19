"""The embedding model alone: seconds for all texts of standard input, in batches, with as many threads as the services use."""

import asyncio
import json
import sys
import time

import psutil

from kit.adapters.minilm import MiniLM
from kit.settings import EmbeddingSettings

_WARM_UP = 5


async def main(batch: int) -> dict[str, float]:
    """`seconds` for all texts, and the `rss` in bytes of a process that has the model and nothing else of ours."""
    texts: list[str] = json.load(sys.stdin)
    model = MiniLM(EmbeddingSettings().threads)
    await model.embed(texts[:_WARM_UP])
    began = time.perf_counter()
    for first in range(0, len(texts), batch):
        await model.embed(texts[first : first + batch])
    seconds = time.perf_counter() - began
    model.close()
    return {"seconds": seconds, "rss": psutil.Process().memory_info().rss}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(int(sys.argv[1])))))
