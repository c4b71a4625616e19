"""What is wanted at the same moment is one request, and nobody sees a difference."""

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest

from kit.errors import DependencyDown, WorkbenchError
from kit.ports.embedding import Vectors
from services.evaluator.embed_together import MOST_TEXTS, EmbedTogether
from services.evaluator.rag import Refused


class Lengths:
    """A text's vector is its length; the word `bad` is refused, nobody answers to `down`, and `odd` is a defect."""

    def __init__(self) -> None:
        self.requests: list[int] = []

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Counts its requests."""
        self.requests.append(len(texts))
        if "down" in texts:
            raise DependencyDown("rag_down", "away")
        if "odd" in texts:
            raise ZeroDivisionError
        if "bad" in texts:
            raise Refused("request_invalid", "no such text")
        return np.array([[len(text)] for text in texts], dtype=np.float32)


async def embedded(lengths: Lengths, *wanted: Sequence[str]) -> list[list[float] | WorkbenchError]:
    """What each of those gets that want vectors at the same moment."""
    together = EmbedTogether(lengths)
    found = await asyncio.gather(*(together.embed(texts) for texts in wanted), return_exceptions=True)
    return [one if isinstance(one, WorkbenchError) else one[:, 0].tolist() for one in found]  # type: ignore[index]


async def test_each_gets_the_vectors_of_its_own_texts() -> None:
    """In order, from one request."""
    lengths = Lengths()

    assert await embedded(lengths, ["a", "bb"], ["ccc"], ["dddd", "e"]) == [[1, 2], [3], [4, 1]]
    assert lengths.requests == [5]


async def test_a_request_has_no_more_texts_than_rag_takes() -> None:
    """The rest goes with the next."""
    lengths = Lengths()

    await embedded(lengths, *(["a"] * 100 for _ in range(5)))

    assert lengths.requests == [200, 200, 100]
    assert max(lengths.requests) <= MOST_TEXTS


async def test_a_text_that_is_refused_is_its_own_case_alone() -> None:
    """The others get their vectors."""
    first, bad, last = await embedded(Lengths(), ["a"], ["bad"], ["ccc"])

    assert (first, last) == ([1], [3])
    assert isinstance(bad, Refused)


async def test_nobody_gets_vectors_while_rag_is_away() -> None:
    """And everybody hears it."""
    found = await embedded(Lengths(), ["a"], ["down"])

    assert [type(one) for one in found] == [DependencyDown, DependencyDown]


async def test_a_defect_keeps_nobody_waiting() -> None:
    """Each case that wanted vectors has an error."""
    found = await asyncio.wait_for(embedded(Lengths(), ["a"], ["odd"]), 60)

    assert [one.code for one in found if isinstance(one, WorkbenchError)] == ["embedding_unfinished"] * 2


async def test_who_does_not_wait_any_more_keeps_nobody_else_waiting() -> None:
    """A message that is out of time."""
    together = EmbedTogether(Lengths())
    gone, there = asyncio.create_task(together.embed(["a"])), asyncio.create_task(together.embed(["bb"]))
    await asyncio.sleep(0)
    gone.cancel()

    assert (await there)[0, 0] == 2
    with pytest.raises(asyncio.CancelledError):
        await gone
