"""How long an answer takes, from a question over HTTP to its verified citations, with the extractive answerer."""

from collections.abc import Sequence
from statistics import mean

from tests.bench.handbook import questions
from tests.bench.load import Load, percentiles, run_load
from tests.bench.raw import run_raw
from tests.bench.report import Figure, MeasurementFailed, Peer
from tests.bench.stack import Stack, running_stack
from tests.bench.workspace import Workspace

WARM_UP = 5
QUESTIONS = {1: 100, 16: 300}
PROVIDER = "extractive"
STAGES = ("embed", "retrieve", "generate", "cite", "total")


async def measure(workspace: Workspace) -> list[Figure]:
    """Milliseconds an answer over the handbook; no question is asked twice, since their vectors are cached."""
    folder = await workspace.with_handbook()
    asked = questions(sum(QUESTIONS.values()) + WARM_UP)
    workspace.tell("the model alone")
    before = await _embedding_ms(asked)
    async with running_stack(folder) as stack:
        loads = await _ask(stack, asked, workspace)
    workspace.tell("the model alone, again")
    after = await _embedding_ms(asked)
    return [_figure(load, mean([before, after])) for load in loads]


async def _embedding_ms(texts: list[str]) -> float:
    measured = await run_raw("embed", "1", given=texts)
    return float(measured["seconds"]) * 1000 / len(texts)


async def _ask(stack: Stack, asked: Sequence[str], workspace: Workspace) -> list[Load]:
    bodies = [{"question": question} for question in asked]
    await run_load(stack.http, "/rag/query", bodies[-WARM_UP:], 1)
    loads, first = [], 0
    for at_once, count in QUESTIONS.items():
        workspace.tell(f"{count} questions, {at_once} at a time")
        loads.append(_extractive(await run_load(stack.http, "/rag/query", bodies[first : first + count], at_once)))
        first += count
    return loads


def _extractive(load: Load) -> Load:
    """A key in the environment would have another model answer."""
    providers = {answer.body["provider"] for answer in load.answers}
    if providers != {PROVIDER}:
        raise MeasurementFailed(f"answered by {', '.join(sorted(providers))}, not by the extractive answerer; unset the keys of others")
    return load


def _figure(load: Load, embedding_ms: float) -> Figure:
    abstained = mean(answer.body["abstained"] for answer in load.answers)
    return Figure(
        name=f"/rag/query x{load.at_once}, over HTTP",
        unit="ms",
        measured=percentiles([answer.wall_ms for answer in load.answers]),
        n=len(load.answers),
        of="questions",
        # One thread embeds: whoever comes last waits for all the others' questions.
        peer=Peer(f"{load.at_once} x MiniLM.embed", load.at_once * embedding_ms),
        stages=load.stages(STAGES),
        note=f"{load.a_second:.1f} answers/s; {abstained:.0%} abstained",
    )
