"""A streamed answer on the wire: what goes wrong before it begins has a status, what goes wrong later is an event."""

import json
from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Any

import pytest

from kit.errors import DependencyDown
from services.rag.api.queries import answer_events
from services.rag.proven import Delta, Started
from services.rag.streaming import Piece

DOWN = DependencyDown("llm_timeout", "too slow")


async def pieces(*items: Piece | Exception | None) -> AsyncGenerator[Piece | None, None]:
    """What an answer yields, or raises, in this order."""
    for item in items:
        if isinstance(item, Exception):
            raise item
        yield item


async def told(*items: Piece | Exception | None) -> list[tuple[str, dict[str, Any]]]:
    """The name and data of each event."""
    request = SimpleNamespace(state=SimpleNamespace(request_id="r1"))
    blocks = [block.decode() async for block in answer_events(None, request, pieces(*items))]  # type: ignore[arg-type]
    lines = (dict(line.split(": ", 1) for line in block.splitlines() if line) for block in blocks if block.startswith("event"))
    return [(line["event"], json.loads(line["data"])) for line in lines]


async def test_an_error_before_the_first_event_is_raised() -> None:
    """So that the request answers with its status."""
    with pytest.raises(DependencyDown):
        await told(DOWN)


@pytest.mark.parametrize("begun", [[Started()], [None], [Started(), Delta("Within")]])
async def test_an_error_later_is_the_last_event(begun: list[Piece | None]) -> None:
    """With the same words as a problem has."""
    events = await told(*begun, DOWN)

    assert events[0] == ("answer.started", {"request_id": "r1", "trace_id": None})
    assert (events[-1][0], events[-1][1]["code"]) == ("error", "llm_timeout")


async def test_text_comes_in_pieces() -> None:
    """One event each."""
    events = await told(Started(), Delta("Within"), None, Delta(" two weeks."))

    assert [data["text"] for name, data in events if name == "answer.delta"] == ["Within", " two weeks."]
