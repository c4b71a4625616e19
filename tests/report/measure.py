"""One set through everything: the stack with each of its variants, then BM25 and the peers."""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import httpx

from services.evaluator.metrics.spans import Span
from tests.bench.report import MeasurementFailed
from tests.bench.stack import Stack, running_stack
from tests.bench.workspace import Workspace
from tests.report.bm25 import run_bm25
from tests.report.ingested import check_places, ingest
from tests.report.measured import Measured
from tests.report.peer_runs import PEERS, run_peer
from tests.report.run import Run
from tests.report.sets import DataSet, Question
from tests.report.variants import ask, definition_of_default, register

WARM_UP = 20


@dataclass(frozen=True, slots=True)
class _Runs:
    """What came, and why the rest did not."""

    done: list[Run] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)

    async def attempt(self, name: str, measure: Callable[[], Awaitable[list[Run]]]) -> None:
        try:
            self.done.extend(await measure())
        except MeasurementFailed as error:
            self.failures[name] = str(error)


async def measure(data: DataSet, place: Workspace) -> Measured:
    """All runs of a set. Raises MeasurementFailed and TimeoutError if there is nothing to ask."""
    runs = _Runs()
    place.tell(f"{data.name}: ingesting {len(data.texts)} documents")
    async with running_stack(place.new_folder(data.name)) as stack:
        stack.http.headers["Cache-Control"] = "no-store"
        chunks = await ingest(stack, data.texts)
        check_places(data, chunks)
        place.tell(f"{data.name}: {len(chunks)} chunks; embedding {len(data.questions)} questions")
        embed_ms = [await _embed(stack.http, question) for question in data.questions]
        await _ask_variants(stack, data, [chunk.span for chunk in chunks], place, runs)
        definition = await definition_of_default(stack.http)
    place.tell(f"{data.name}: BM25")
    runs.done.append(run_bm25(chunks, data.questions, data.depth))
    for peer in PEERS:
        place.tell(f"{data.name}: {peer}")
        await runs.attempt(peer, lambda peer=peer: run_peer(peer, data))  # type: ignore[misc]  # bound to this peer
    return Measured(data, runs.done, runs.failures, embed_ms, definition)


async def _ask_variants(stack: Stack, data: DataSet, chunks: Sequence[Span], place: Workspace, runs: _Runs) -> None:
    registered = await register(stack.http)
    runs.failures.update(registered.refused)
    for name, reference in registered.references.items():

        async def asked(name: str = name, reference: str | None = reference) -> list[Run]:
            await ask(stack.http, name, reference, data.questions[:WARM_UP], data.depth, chunks)
            return [await ask(stack.http, name, reference, data.questions, data.depth, chunks)]

        place.tell(f"{data.name}: {name}")
        await runs.attempt(name, asked)


async def _embed(http: httpx.AsyncClient, question: Question) -> float:
    began = time.perf_counter()
    (await http.post("/embed", json={"texts": [question.text]})).raise_for_status()
    return (time.perf_counter() - began) * 1000
