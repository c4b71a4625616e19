"""Index generations on the command line: how far they are, and how waiting for one ends."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from rich.console import Console

from kit.errors import Permanent
from workbench.cli.generations import _built, _moved
from workbench.cli.render.generations import generations
from workbench.client import Client

G2 = {
    "generation": "g2", "state": "building", "wanted": False, "embedding": {"provider": "wordllama", "model": None, "dimensions": None},
    "chunker": {"strategy": "sentence", "max_tokens": 64, "overlap": 8, "headings": True}, "embedding_model": None, "dimensions": None,
    "documents": 4, "complete": 3, "failed": 0, "failures": [],
}  # fmt: skip
ClientOf = Callable[[Any], Client]


def saying(client_of: ClientOf, *states: dict[str, Any]) -> Client:
    """A workbench in which g2 is in one state after another, and stays in the last."""
    left = [{**G2, **state} for state in states]

    def answer(request: httpx.Request) -> httpx.Response:
        state = left.pop(0) if len(left) > 1 else left[0]
        return httpx.Response(200, json={"generations": [state]} if request.url.path == "/generations" else state)

    return client_of(answer)


def test_a_list_says_what_each_is_made_of_and_how_far_it_is() -> None:
    """A recipe of the settings says so."""
    screen = Console(width=130, record=True)

    screen.print(generations([{**G2, "wanted": True}, {**G2, "generation": "g1", "embedding": None, "chunker": None}]))

    shown = screen.export_text()
    assert all(part in shown for part in ("building (wanted)", "wordllama", "sentence, 64 tokens, headings, overlap 8", "3/4"))
    assert "as the settings say" in shown


async def test_a_build_is_waited_for_until_all_documents_are_in_it(client_of: ClientOf) -> None:
    """The last state is what is shown."""
    built = await _built(saying(client_of, {}, {"complete": 4}), "g2", quiet=True)

    assert built["complete"] == 4


async def test_a_build_that_cannot_be_complete_names_what_is_missing(client_of: ClientOf) -> None:
    """Instead of waiting for ever."""
    with pytest.raises(Permanent, match="1 documents cannot be in g2: leave"):
        await _built(saying(client_of, {"failed": 1, "failures": ["leave"]}), "g2", quiet=True)


async def test_a_swap_is_waited_for_until_queries_have_moved(client_of: ClientOf) -> None:
    """Or until it is given up."""
    moved = await _moved(saying(client_of, {}, {"wanted": True}, {"state": "active"}), "g2")

    assert moved["state"] == "active"
    with pytest.raises(Permanent, match="did not catch up"):
        await _moved(saying(client_of, {"wanted": True}, {"wanted": False, "state": "kept"}), "g2")
