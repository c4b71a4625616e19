"""How long the event loop stands still while quotes made to be slow are looked for: `python -m tests.unit.rag.citation_lag`."""

import asyncio
from dataclasses import dataclass
from random import Random
from statistics import median
from time import perf_counter, process_time, thread_time

from services.rag.cite import Citer
from tests.unit.rag.citation_corpus import Stored
from tests.unit.rag.citation_texts import hits_of

TICK_S = 0.0005
WORDS = ["the", "limit", "is", "paid", "Stra\u00dfe", "na\u00efve", "\u201cquoted\u201d", "\u2014", "14", "co\u00adoperate"]
LATIN = " ".join(Random(1).choice(WORDS) for _ in range(200_000))
HOSTILE = {
    "a false quote": (LATIN, "the limit is " * 300),
    "almost periodic": ("a " * 500_000, "a " * 1_900 + "b"),
    "one word": ("a" * 1_000_000, "a" * 3_900),
    "never a whole word": ("xabc " * 200_000, "abc"),
    "parts that do not follow": ("abc " * 250_000, "abc ... abc ... abc ... abd"),
}


@dataclass
class Ticker:
    """Counts its turns, and keeps the longest wait for one in seconds, beyond what it asked for.

    `busy_s` is what its thread computed, and `spent_s` what all threads did.
    """

    turns: int = 0
    worst_s: float = 0.0
    busy_s: float = 0.0
    spent_s: float = 0.0

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            began = perf_counter()
            await asyncio.sleep(TICK_S)
            self.turns += 1
            self.worst_s = max(self.worst_s, perf_counter() - began - TICK_S)


async def searched(text: str, quote: str, quotes: int = 1) -> tuple[Ticker, float]:
    """How the loop fared, and how many seconds it took to verify a draft with so many citations of a passage that is all of `text`."""
    ticker = Ticker()
    task = asyncio.create_task(ticker.run())
    await asyncio.sleep(10 * TICK_S)
    ticker.turns, ticker.worst_s, began, computed, spent = 0, 0.0, perf_counter(), thread_time(), process_time()
    await Citer(Stored(text)).verified(f'[1: "{quote}"]' * quotes, hits_of("doc", text, [(0, len(text))]), "default")
    took, ticker.busy_s, ticker.spent_s = perf_counter() - began, thread_time() - computed, process_time() - spent
    await asyncio.sleep(2 * TICK_S)
    task.cancel()
    return ticker, took


def main() -> None:
    """Prints the table: medians of nine."""
    print(f"{'quote':28}{'passage':>10}{'quotes':>8}{'took':>12}{'loop computed':>15}{'longest stop':>14}")
    for name, (text, quote) in HOSTILE.items():
        for size, quotes in ((6_000, 1), (20_000, 3), (1_000_000, 1), (1_000_000, 50)):
            runs = [asyncio.run(searched(text[:size], quote, quotes)) for _ in range(9)]
            took = median(took for _, took in runs)
            busy, worst = (median(getattr(ticker, name) for ticker, _ in runs) for name in ("busy_s", "worst_s"))
            print(f"{name:28}{size:10}{quotes:8}{took * 1e3:9.1f} ms{busy * 1e3:12.1f} ms{worst * 1e3:11.1f} ms")


if __name__ == "__main__":
    main()
