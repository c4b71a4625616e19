"""Answers in pieces: silence is noticed, slow readers hold nobody up, and an end from either side ends both."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.requests import ClientDisconnect, Request

from services.rag.api.streams import EventStream, event, unless_gone, with_silences

SOON_S, LATER_S = 0.02, 60


@dataclass
class Source:
    """Yields `items`, as many as are `due`; `ended` is how."""

    items: list[str]
    due: asyncio.Semaphore
    error: Exception | None = None
    made: list[str] = field(default_factory=list)
    tasks: set[Any] = field(default_factory=set)
    ended: str = "not"

    async def pieces(self) -> AsyncGenerator[str, None]:
        """The items."""
        self.ended = "cut off"
        for item in self.items:
            await self.due.acquire()
            self.tasks.add(asyncio.current_task())
            self.made.append(item)
            yield item
        self.ended = "whole"
        if self.error:
            raise self.error


def source_of(*items: str, due: int = 99, error: Exception | None = None) -> Source:
    """One that holds back what is behind the first `due` of its items."""
    return Source(list(items), asyncio.Semaphore(due), error)


def request(*messages: str) -> Request:
    """One whose server says `messages`, and then nothing."""
    said = iter(messages)

    async def receive() -> dict[str, Any]:
        for kind in said:
            return {"type": kind}
        await asyncio.Event().wait()
        return {}

    return Request({"type": "http"}, receive)


async def test_silence_is_told_between_the_items() -> None:
    """And only there."""
    slow, items = source_of("a", due=0), []
    async for item in with_silences(slow.pieces(), SOON_S):
        items.append(item)
        if len(items) == 2:
            slow.due.release()

    assert items == [None, None, "a"]
    assert [item async for item in with_silences(source_of("a", "b").pieces(), LATER_S)] == ["a", "b"]


async def test_a_slow_reader_does_not_hold_up_the_source() -> None:
    """Nor does the source change its task, whoever reads."""
    source = source_of("a", "b", "c")
    async with aclosing(with_silences(source.pieces(), LATER_S)) as items:
        first = await asyncio.create_task(anext(items))  # type: ignore[arg-type]
        async with asyncio.timeout(LATER_S):
            while source.ended != "whole":
                await asyncio.sleep(0)

        assert (first, source.made) == ("a", ["a", "b", "c"])
    assert len(source.tasks) == 1


async def test_an_error_of_the_source_comes_after_its_items() -> None:
    """As if it had been read directly."""
    items = []
    with pytest.raises(ValueError, match="late"):
        async for item in with_silences(source_of("a", error=ValueError("late")).pieces(), LATER_S):
            items.append(item)

    assert items == ["a"]


async def test_closing_the_reader_ends_the_source() -> None:
    """In the middle of its work."""
    source = source_of("a", "b", due=1)
    async with aclosing(with_silences(source.pieces(), LATER_S)) as items:
        await anext(items)

    assert (source.made, source.ended) == (["a"], "cut off")


async def test_a_stream_ends_its_source_though_the_client_left_before_it_began() -> None:
    """Or while a piece was on its way to a reader that takes none."""

    async def stuck(_: Any) -> None:
        await asyncio.Event().wait()

    source = source_of("a", "b").pieces()
    opening = await anext(source)

    await EventStream(opening.encode(), source)({"type": "http"}, request("http.disconnect").receive, stuck)  # type: ignore[arg-type]

    assert source.ag_frame is None


async def test_work_is_cancelled_when_the_client_goes_away() -> None:
    """And not before; what the client still sends is no reason."""
    cancelled = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    with pytest.raises(ClientDisconnect):
        await unless_gone(request("http.request", "http.disconnect"), work())

    assert cancelled.is_set()


async def test_work_that_is_done_counts_though_the_client_has_gone() -> None:
    """It costs nothing more. Its error is the caller's, and a cancelled caller cancels it."""

    async def fails() -> None:
        raise ValueError("mine")

    assert await unless_gone(request(), asyncio.sleep(0, "done")) == "done"
    with pytest.raises(ValueError, match="mine"):
        await unless_gone(request(), fails())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(SOON_S):
            await unless_gone(request(), asyncio.sleep(10))


def test_an_event_is_one_line_of_json_whatever_the_text_holds() -> None:
    """Line breaks end an event's field."""
    assert event("generate.delta", {"text": "a\n\nevent: b\r\u2028"}).count(b"\n") == 3
    assert event("x", {"a": 1}) == b'event: x\ndata: {"a":1}\n\n'
