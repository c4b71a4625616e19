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

    def since(self, moment: float) -> Passages:
        """What was found for those who asked after a moment."""
        return [passage for began, _, found in self.answers if began > moment for passage in found]


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


@dataclass
class Story:
    """What happened while clients asked: which generations queries moved to, since when a document was deleted and another one changed."""

    word: str
    built: str = ""
    moves: list[str] = field(default_factory=list)
    deleted: float = 0.0
    changed: float = 0.0
    found_late: list[Passages] = field(default_factory=list)

    def name(self, number: int) -> str:
        """The id of a document."""
        return f"{self.word}-{number}"

    async def upload(self, workbench: Workbench) -> None:
        """A corpus of small notes."""
        for number in range(DOCUMENTS):
            await note(workbench, self.name(number), f"{self.word} {number} costs {number} crowns. {self.word} {number} price.")
        await asyncio.gather(*(workbench.settled(self.name(number)) for number in range(DOCUMENTS)))

    async def build(self, workbench: Workbench) -> None:
        """Another model and other chunks; meanwhile one document changes and one goes."""
        recipe = {"embedding": {"provider": "wordllama"}, "chunker": {"strategy": "sentence", "max_tokens": 64}}
        self.built = (await workbench.http.post("/generations", json=recipe)).json()["generation"]
        await note(workbench, self.name(0), f"{self.word} 0 costs a hundred crowns now. {self.word} 0 price.")
        await workbench.http.delete(f"/documents/{self.name(1)}")
        self.deleted = time.monotonic()
        await workbench.settled(self.name(0), 2)
        self.changed = time.monotonic()
        await generation(workbench, self.built, built=True)

    async def swap_and_roll_back(self, workbench: Workbench) -> None:
        """What is uploaded in between is found before and after."""
        late = f"{self.word} 99 price"
        self.moves.append(await move(workbench, f"{self.built}/swap"))
        await workbench.indexed("late.txt", f"{self.word} 99 costs 99 crowns. {late}.".encode(), document_id=self.name(99))
        self.found_late.append(await workbench.search(late, top_k=50))
        self.moves.append(await move(workbench, "rollback"))
        self.found_late.append(await workbench.search(late, top_k=50))


async def test_the_corpus_is_embedded_anew_while_queries_run(workbench: Workbench) -> None:
    """Built, swapped, rolled back and retired; uploads and deletes meanwhile are in both; 0 failed, 0 mixed, 0 stale."""
    story = Story(f"quokka{uuid4().hex[:8]}")
    await story.upload(workbench)
    async with asking(workbench, story.word) as asked:
        await story.build(workbench)
        await story.swap_and_roll_back(workbench)
    retired = await workbench.http.delete(f"/generations/{story.built}")

    origin = await origins(workbench)
    generations = [generations_of(origin, passages) for _, _, passages in asked.answers]
    print(
        f"{len(generations)} requests: of g1 alone {generations.count({'g1'})}, of {story.built} alone {generations.count({story.built})}"
    )
    assert (story.moves, retired.status_code) == ([story.built, "g1"], 202)
    assert {status for _, status, _ in asked.answers} == {200}
    assert (max(len(found) for found in generations), {story.built} in generations) == (1, True)
    assert not [passage for passage in asked.since(story.deleted) if passage["document_id"] == story.name(1)]
    assert not [passage for passage in asked.since(story.changed) if (passage["document_id"], passage["version"]) == (story.name(0), 1)]
    assert [generations_of(origin, passages) for passages in story.found_late] == [{story.built}, {"g1"}]
    assert all(story.name(99) in {passage["document_id"] for passage in passages} for passages in story.found_late)
