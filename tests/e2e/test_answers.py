"""Answers as a user gets them: in pieces, again from memory, explained, and by variants that search otherwise."""

import asyncio
import json
from typing import Any
from uuid import uuid4

import pytest

from tests.e2e.conftest import DONE_WITHIN_S, Workbench

FACT = "The harbour crane lifts forty tonnes."
ASKED = "How many tonnes does the harbour crane lift?"


async def a_document(workbench: Workbench) -> dict[str, Any]:
    """A note on a crane that nobody else has uploaded, and the filter that finds it alone."""
    document = await workbench.indexed("crane.txt", f"Note {uuid4().hex}. {FACT}".encode())
    return {"filter": {"document_ids": [document["document_id"]]}}


def events(told: str) -> list[tuple[str, dict[str, Any]]]:
    """The name and data of each server-sent event."""
    blocks = (dict(line.split(": ", 1) for line in block.splitlines()) for block in told.split("\n\n") if block.startswith("event"))
    return [(block["event"], json.loads(block["data"])) for block in blocks]


async def test_a_streamed_answer_is_the_whole_answer_in_pieces(workbench: Workbench) -> None:
    """It starts, comes with its citations before the text they prove, and ends with all of it."""
    alone = await a_document(workbench)

    answer = await workbench.http.post("/rag/query", json={"question": ASKED, "stream": True, **alone})

    told = events(answer.text)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert [name for name, _ in told][:2] == ["answer.started", "answer.citation"]
    assert told[-1][0] == "answer.completed"
    whole = told[-1][1]
    assert "".join(data["text"] for name, data in told if name == "answer.delta") == whole["answer"]
    assert whole["confidence"] > 0.5
    assert [data["quote"] for name, data in told if name == "answer.citation"] == [one["quote"] for one in whole["citations"]] == [FACT]


async def test_an_answer_is_remembered_until_its_document_goes(workbench: Workbench) -> None:
    """Not a moment longer, and `no-store` asks for a fresh one."""
    alone = await a_document(workbench)
    first = await workbench.ask(ASKED, **alone)
    async with asyncio.timeout(DONE_WITHIN_S):  # a cache that takes too long costs a moment, and is asked again
        while not (second := await workbench.ask(ASKED, **alone))["cached"]:
            await asyncio.sleep(0)
    fresh = await workbench.http.post("/rag/query", json={"question": ASKED, **alone}, headers={"Cache-Control": "no-store"})
    [document_id] = alone["filter"]["document_ids"]
    await workbench.http.delete(f"/documents/{document_id}")

    after = await workbench.ask(ASKED, **alone)

    assert [first["cached"], second["cached"], fresh.json()["cached"]] == [False, True, False]
    assert second["answer"] == first["answer"] == fresh.json()["answer"]
    assert second["confidence"] == first["confidence"] == fresh.json()["confidence"]
    assert (after["abstained"], after["contexts"]) == (True, [])


async def test_a_variant_says_how_sure_an_answer_must_be(workbench: Workbench) -> None:
    """What the default answers it abstains from, and is as sure."""
    alone, name = await a_document(workbench), f"v{uuid4().hex[:8]}"
    await workbench.http.post("/variants", json={"name": name, "definition": {"support": 2.0}, "message": "never sure"})

    default, strict = await workbench.ask(ASKED, **alone), await workbench.ask(ASKED, variant=f"{name}@1", **alone)

    assert (default["abstained"], strict["abstained"]) == (False, True)
    assert strict["confidence"] == default["confidence"]


async def test_a_search_explains_itself(workbench: Workbench) -> None:
    """Where each list has each hit."""
    alone = await a_document(workbench)

    [hit] = await workbench.search(ASKED, explain=True, **alone)
    [plain] = await workbench.search(ASKED, **alone)

    assert {name: place["rank"] for name, place in hit["places"].items()} == {"dense": 1, "sparse": 1}
    assert plain["places"] is None


@pytest.mark.parametrize(
    "definition",
    [
        {"fusion": "rrf"},
        {"fusion": "convex", "fusion_weight": 0.3},
        {"retriever": "dense"},
        {"retriever": "sparse"},
        {"reranker": "maxsim"},
        {"multi_query": True, "likeness": 0.98, "diversity": 0.3, "neighbours": 1},
    ],
)
async def test_a_variant_searches_as_it_says(workbench: Workbench, definition: dict[str, Any]) -> None:
    """And its answer is proven as any other."""
    alone, name = await a_document(workbench), f"v{uuid4().hex[:8]}"
    made = await workbench.http.post("/variants", json={"name": name, "definition": definition, "message": "tried"})
    assert made.status_code == 201, made.text

    answer = await workbench.ask(ASKED, variant=f"{name}@1", **alone)

    assert [citation["quote"] for citation in answer["citations"]] == [FACT]
    assert (answer["variant"]["name"], answer["degraded"]) == (name, [])
