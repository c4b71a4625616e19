"""How long an answer takes among so many chunks, from a question over HTTP to its verified citations, with the extractive answerer."""

from statistics import mean

from tests.bench.handbook import questions
from tests.bench.load import run_load
from tests.bench.report import Figure, MeasurementFailed
from tests.bench.search import CHUNKS, MANY_CHUNKS
from tests.bench.serving import REMEMBERED, Served, figures, served
from tests.bench.stack import running_stack
from tests.bench.workspace import Workspace

WARM_UP = 5
QUESTIONS = {1: 60, 16: 160, 64: 256}
PROVIDER = "extractive"
STAGES = ("embed", "retrieve", "generate", "cite", "total")


async def measure(workspace: Workspace) -> list[Figure]:
    """About the handbook, among ten thousand other chunks."""
    return await _measure(workspace, CHUNKS)


async def measure_many(workspace: Workspace) -> list[Figure]:
    """About the handbook, among fifty thousand other chunks."""
    return await _measure(workspace, MANY_CHUNKS)


async def _measure(workspace: Workspace, chunks: int) -> list[Figure]:
    folder = await workspace.with_corpus(chunks)
    asked = iter(questions(WARM_UP + sum(QUESTIONS.values())))
    async with running_stack(folder) as stack:
        await run_load(stack.http, "/rag/query", [{"question": next(asked)} for _ in range(WARM_UP)], 1)
        bodies = {at_once: [{"question": next(asked)} for _ in range(count)] for at_once, count in QUESTIONS.items()}
        passes = await served(stack, "/rag/query", bodies, workspace)
    for one in passes:
        _as_meant(one)
    abstained = mean(answer.body["abstained"] for answer in passes[0].load.answers)
    workspace.tell(f"{abstained:.0%} abstained")
    return [figure async for figure in figures(f"/rag/query of {chunks // 1000}k", passes, STAGES)]


def _as_meant(one: Served) -> None:
    """A key in the environment would have another model answer, and what is not remembered would be no measure of the memory."""
    providers = {answer.body["provider"] for answer in one.load.answers}
    if providers != {PROVIDER}:
        raise MeasurementFailed(f"answered by {', '.join(sorted(providers))}, not by the extractive answerer; unset the keys of others")
    cached = {answer.body["cached"] for answer in one.load.answers}
    if cached != {one.state == REMEMBERED}:
        raise MeasurementFailed(f"{one.state}: `cached` is {cached}")
