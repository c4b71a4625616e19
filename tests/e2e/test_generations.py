"""The corpus is embedded anew with another model while queries run: no request fails, no answer mixes, swap and rollback."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

from kit.ids import chunk_id
from tests.e2e.conftest import DONE_WITHIN_S, Workbench

DOCUMENTS = 40
CLIENTS = 3
POINTER_S = 2.5  # longer than rag remembers which generation is active
Passages = list[dict[str, Any]]


@dataclass
class Asked:
    """What clients were answered that never paused: when each asked, the status, and the passages that were found."""

    answers: list[tuple[float, int, Passages]] = field(default_factory=list)

    async def run(self, workbench: Workbench, word: str) -> None:
        """Searches and asks, in turn, until cancelled."""
        while True:
            for path, body in (
                ("/search", {"query": f"{word} price", "top_k": 10}),
                ("/rag/query", {"question": f"What does {word} 7 cost?"}),
            ):
                began = time.monotonic()
                answer = await workbench.http.post(path, json=body)
                self.answers.append((began, answer.status_code, _passages(answer)))

    def since(self, moment: float) -> list[Passages]:
        """What was found for those who asked after a moment."""
        return [found for began, _, found in self.answers if began > moment]


def _passages(answer: httpx.Response) -> Passages:
    body = answer.json() if answer.status_code == 200 else {}
    found: Passages = body.get("hits", []) + body.get("contexts", [])
    return found


@asynccontextmanager
async def asking(workbench: Workbench, word: str) -> AsyncIterator[Asked]:
    """Clients that ask while the block runs."""
    asked = Asked()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(asked.run(workbench, word)) for _ in range(CLIENTS)]
        yield asked
        for task in tasks:
            task.cancel()


async def generation(workbench: Workbench, name: str, **wanted: Any) -> dict[str, Any]:
    """A generation once it is as wanted; `built` once it has every document."""
    async with asyncio.timeout(2 * DONE_WITHIN_S):
        while True:
            answer = await workbench.http.get(f"/generations/{name}")
            found: dict[str, Any] = answer.json()
            state = {**found, "built": found.get("complete") == found.get("documents")}
            if answer.status_code == 200 and wanted.items() <= state.items():
                return found
            await asyncio.sleep(0.1)


@dataclass(frozen=True, slots=True)
class Origins:
    """Tells of which generation a passage is, by its chunk id."""

    indexes: dict[str, str]

    def of(self, passage: dict[str, Any]) -> str:
        """The generation whose index gives a chunk of this version that id. Raises ValueError if none does."""
        for name, index in self.indexes.items():
            if any(str(chunk_id(passage["document_id"], passage["version"], no, index)) == passage["chunk_id"] for no in range(50)):
                return name
        raise ValueError(f"no generation has {passage}")


def generations_of(origin: Origins, passages: Passages) -> set[str]:
    """Of which generations passages are."""
    return {origin.of(passage) for passage in passages}


async def origins(workbench: Workbench) -> Origins:
    """Of all generations that ever were."""
    found = (await workbench.http.get("/generations")).json()["generations"]
    return Origins(
        {one["generation"]: one["embedding_model"] + ("" if one["generation"] == "g1" else f"/{one['generation']}") for one in found}
    )


async def note(workbench: Workbench, document_id: str, text: str) -> None:
    """Uploads a version."""
    answer = await workbench.http.post("/ingest", json={"text": text, "title": document_id, "document_id": document_id})
    assert answer.status_code == 202, answer.text


async def move(workbench: Workbench, path: str) -> str:
    """Asks for a swap or a rollback, and waits for it; gives the generation."""
    told = await workbench.http.post(f"/generations/{path}")
    assert told.status_code == 202, told.text
    name: str = told.json()["generation"]
    await generation(workbench, name, state="active")
    await asyncio.sleep(POINTER_S)
    return name


async def test_the_corpus_is_embedded_anew_while_queries_run(workbench: Workbench) -> None:
    """Built, swapped, rolled back and retired; uploads and deletes meanwhile are in both; 0 failed, 0 mixed, 0 stale."""
    word = f"quokka{uuid4().hex[:8]}"
    names = [f"{word}-{number}" for number in range(DOCUMENTS)]
    for number, name in enumerate(names):
        await note(workbench, name, f"{word} {number} costs {number} crowns. {word} {number} price.")
    await asyncio.gather(*(workbench.settled(name) for name in names))

    async with asking(workbench, word) as asked:
        recipe = {"embedding": {"provider": "wordllama"}, "chunker": {"strategy": "sentence", "max_tokens": 64}}
        built = (await workbench.http.post("/generations", json=recipe)).json()["generation"]
        await note(workbench, names[0], f"{word} 0 costs a hundred crowns now. {word} 0 price.")
        await workbench.http.delete(f"/documents/{names[1]}")
        deleted = time.monotonic()
        await workbench.settled(names[0], 2)
        updated = time.monotonic()
        await generation(workbench, built, built=True)
        moves = [await move(workbench, f"{built}/swap")]
        await workbench.indexed("late.txt", f"{word} 99 costs 99 crowns. {word} 99 price.".encode(), document_id=f"{word}-99")
        found_late = await workbench.search(f"{word} 99 price", top_k=50)
        moves.append(await move(workbench, "rollback"))
        await generation(workbench, built, built=True)
        late_in_the_old = await workbench.search(f"{word} 99 price", top_k=50)
    retired = await workbench.http.delete(f"/generations/{built}")

    origin = await origins(workbench)
    generations = [generations_of(origin, passages) for _, _, passages in asked.answers]
    print(f"{len(asked.answers)} requests; of g1 alone {generations.count({'g1'})}, of {built} alone {generations.count({built})}")
    assert moves == [built, "g1"]
    assert {status for _, status, _ in asked.answers} == {200}
    assert max(len(found) for found in generations) == 1
    assert {built} in generations
    assert generations_of(origin, found_late) == {built}
    assert generations_of(origin, late_in_the_old) == {"g1"}
    assert not [passage for passages in asked.since(deleted) for passage in passages if passage["document_id"] == names[1]]
    assert not [p for passages in asked.since(updated) for p in passages if p["document_id"] == names[0] and p["version"] == 1]
    assert [f"{word}-99" in {hit["document_id"] for hit in hits} for hits in (found_late, late_in_the_old)] == [True, True]
    assert retired.status_code == 202
