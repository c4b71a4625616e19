"""How long a search takes among so many chunks: cold, with its vector cached, remembered; beside the engine and the embedding alone."""

from collections.abc import Sequence

import numpy as np

from tests.bench.load import Load, percentiles, run_load
from tests.bench.raw import run_raw
from tests.bench.report import Figure, MeasurementFailed, Peer, Target
from tests.bench.serving import COLD, VECTORS, Served, figures, only, served
from tests.bench.stack import running_stack
from tests.bench.synthetic import Corpus
from tests.bench.workspace import Workspace

CHUNKS, MANY_CHUNKS = 10_000, 50_000
TOP_K = 10
WARM_UP = 30
SEARCHES = {1: 200, 16: 480, 64: 640}
RAW_QUERIES = 300
STAGES = ("embed", "retrieve", "total")
OVERHEAD_MS = 3


async def measure(workspace: Workspace) -> list[Figure]:
    """Among ten thousand."""
    return await _measure(workspace, CHUNKS)


async def measure_many(workspace: Workspace) -> list[Figure]:
    """Among fifty thousand."""
    return await _measure(workspace, MANY_CHUNKS)


async def _measure(workspace: Workspace, chunks: int) -> list[Figure]:
    folder = await workspace.with_corpus(chunks)
    workspace.tell("the engine and the embedding alone")
    before = await _alone(chunks)
    async with running_stack(folder) as stack:
        queries = iter(Corpus(chunks).queries(WARM_UP + sum(SEARCHES.values())))
        await run_load(stack.http, "/search", [{"query": next(queries), "top_k": TOP_K} for _ in range(WARM_UP)], 1)
        bodies = {at_once: [{"query": next(queries), "top_k": TOP_K} for _ in range(count)] for at_once, count in SEARCHES.items()}
        passes = await served(stack, "/search", bodies, workspace)
    workspace.tell("the engine and the embedding alone, again")
    after = await _alone(chunks)
    alone = {name: float(np.median([*before[name], *after[name]])) for name in before}
    name = f"/search of {chunks // 1000}k"
    for one in passes:
        _complete(one.load)
    return [*_added(name, passes, alone), *[figure async for figure in figures(name, passes, STAGES)]]


async def _alone(chunks: int) -> dict[str, list[float]]:
    return await run_raw("search", str(chunks), str(RAW_QUERIES), str(TOP_K))


def _complete(load: Load) -> None:
    """A search that finds less than it could would be fast."""
    fewest = min(len(answer.body["hits"]) for answer in load.answers)
    if fewest < TOP_K:
        raise MeasurementFailed(f"a search found {fewest} of {TOP_K} chunks")


def _added(name: str, passes: Sequence[Served], alone: dict[str, float]) -> list[Figure]:
    """What one search at a time takes over HTTP, less what the libraries take for it."""
    note = "the engine's own hybrid query {plain:.2f} ms, with a filter by tenant {filtered:.2f}, the vector {embed:.2f}".format(**alone)
    return [
        _overhead(f"{name}, cold, added to embedding + engine", next(only(passes, COLD)), Peer("embedding + engine", alone["both"]), note),
        _overhead(f"{name}, vectors cached, added to the engine", next(only(passes, VECTORS)), Peer("engine", alone["filtered"]), ""),
    ]


def _overhead(name: str, load: Load, peer: Peer, note: str) -> Figure:
    wall = percentiles([answer.wall_ms for answer in load.answers])["p50"]
    told = f"{wall:.2f} ms over HTTP, {peer.name} alone {peer.value:.2f}; {note}".removesuffix("; ")
    return Figure(name, "ms", {"p50": wall - peer.value}, len(load.answers), "searches", target=Target(OVERHEAD_MS), note=told)
