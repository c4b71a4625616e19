"""How long a search takes at ten thousand chunks, without the embedding of its query, beside the engine's own query."""

from collections.abc import Sequence

import numpy as np
from aiokafka import AIOKafkaProducer

from tests.bench.load import Load, percentiles, run_load
from tests.bench.raw import run_raw
from tests.bench.report import Figure, MeasurementFailed, Peer, Target
from tests.bench.stack import Stack, running_stack
from tests.bench.synthetic import CHUNKS, Corpus
from tests.bench.workspace import Workspace
from tests.events import record_of

TOP_K = 10
WARM_UP = 30
QUERIES = {1: 300, 16: 800}
RAW_QUERIES = 500
STAGES = ("embed", "retrieve", "total")


async def measure(workspace: Workspace) -> list[Figure]:
    """Milliseconds a search; no query is asked twice, since their vectors are cached."""
    workspace.tell("the engine alone")
    before = await _engine()
    async with running_stack(workspace.new_folder("search")) as stack:
        corpus = Corpus()
        workspace.tell(f"publishing {CHUNKS} chunks")
        await _publish(stack, corpus)
        loads = await _search(stack, corpus, workspace)
    workspace.tell("the engine alone, again")
    after = await _engine()
    engine = {name: float(np.median([*before[name], *after[name]])) for name in before}
    return [figure for load in loads for figure in _figures(load, engine)]


async def _engine() -> dict[str, list[float]]:
    return await run_raw("search", str(RAW_QUERIES), str(TOP_K))


async def _publish(stack: Stack, corpus: Corpus) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=stack.addresses["kafka"])
    await producer.start()
    try:
        async with stack.outcomes() as outcomes:
            published = set()
            for event in corpus.events():
                record = record_of(event)
                await producer.send_and_wait(record.topic, record.value, record.key, headers=list(record.headers))
                published.add(event.document_id)
            await outcomes.indexed(published)
    finally:
        await producer.stop()


async def _search(stack: Stack, corpus: Corpus, workspace: Workspace) -> list[Load]:
    bodies = [{"query": query, "top_k": TOP_K} for query in corpus.queries(WARM_UP + sum(QUERIES.values()))]
    await run_load(stack.http, "/search", bodies[:WARM_UP], 1)
    loads, first = [], WARM_UP
    for at_once, count in QUERIES.items():
        workspace.tell(f"{count} searches, {at_once} at a time")
        loads.append(_complete(await run_load(stack.http, "/search", bodies[first : first + count], at_once)))
        first += count
    return loads


def _complete(load: Load) -> Load:
    """A search that finds less than it could would be fast."""
    fewest = min(len(answer.body["hits"]) for answer in load.answers)
    if fewest < TOP_K:
        raise MeasurementFailed(f"a search found {fewest} of {TOP_K} chunks")
    return load


def _figures(load: Load, engine: dict[str, float]) -> Sequence[Figure]:
    name, n = f"/search x{load.at_once}", len(load.answers)
    rest = percentiles([answer.stage("total") - answer.stage("embed") for answer in load.answers])
    wall = percentiles([answer.wall_ms for answer in load.answers])
    peer = Peer("edge hybrid query", engine["plain"])
    note = f"{load.a_second:.0f} searches/s; the engine alone with a filter by tenant {engine['filtered']:.2f} ms"
    return (
        Figure(f"{name}, total - embed", "ms", rest, n, "queries", peer, Target(10), load.stages(STAGES), note),
        Figure(f"{name}, over HTTP", "ms", wall, n, "queries"),
    )
