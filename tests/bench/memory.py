"""How much memory the whole stack takes when nobody asks anything."""

import asyncio
from collections import Counter
from dataclasses import dataclass

import psutil

from tests.bench.handbook import copies, questions
from tests.bench.load import run_load
from tests.bench.raw import run_raw
from tests.bench.report import Figure, Peer, Target
from tests.bench.stack import Stack, running_stack
from tests.bench.workspace import Workspace

IDLE_S = 5
DOCUMENTS, QUESTIONS = 4, 20
SERVICES, PARSER = "services", "parser"


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of a process: `rss` counts shared pages in full, `pss` only its share of them (None where the system does not tell)."""

    part: str
    rss: int
    pss: int | None


async def measure(workspace: Workspace) -> list[Figure]:
    """Megabytes of a warm stack with the handbook indexed, all processes; the raw peer: a process with the model alone, and the servers."""
    folder = await workspace.with_handbook()
    async with running_stack(folder) as stack:
        workspace.tell(f"idle for {IDLE_S} s")
        await asyncio.sleep(IDLE_S)
        started = memory_of(stack.pid)
        workspace.tell(f"idle for {IDLE_S} s after some work")
        await _work(stack)
        await asyncio.sleep(IDLE_S)
        worked = memory_of(stack.pid)
    bare = await run_raw("embed", "1", given=["A sentence as any other."])
    return [_figure("whole stack, idle", started, bare["rss"]), _figure("whole stack, idle after work", worked, bare["rss"])]


async def _work(stack: Stack) -> None:
    await stack.index(copies(1)[:DOCUMENTS])
    await run_load(stack.http, "/rag/query", [{"question": question} for question in questions(QUESTIONS)], 4)


def memory_of(pid: int) -> list[Memory]:
    """Every process of the tree; the services' own come first."""
    root = psutil.Process(pid)
    return [_memory(process, root) for process in (root, *root.children(recursive=True))]


def _memory(process: psutil.Process, root: psutil.Process) -> Memory:
    with process.oneshot():
        full = process.memory_full_info()
        return Memory(_part(process, root), full.rss, getattr(full, "pss", None))


def _part(process: psutil.Process, root: psutil.Process) -> str:
    """Ours by what they do, the servers by name."""
    if process == root:
        return SERVICES
    return PARSER if process.name().startswith("python") else process.name()


def _figure(name: str, processes: list[Memory], bare_rss: float) -> Figure:
    rss, counts = Counter[str](), Counter[str]()
    for process in processes:
        rss[process.part] += process.rss
        counts[process.part] += 1
    servers = sum(size for part, size in rss.items() if part not in (SERVICES, PARSER))
    split = ", ".join(f"{part} {_megabytes(size):.0f} ({counts[part]})" for part, size in rss.most_common())
    return Figure(
        name=name,
        unit="MB",
        measured={"rss": _megabytes(rss.total())} | _pss(processes),
        n=len(processes),
        of="processes",
        peer=Peer("bare model + servers", _megabytes(bare_rss + servers)),
        target=Target(900),
        note=f"rss by part (processes): {split}; a process with the model alone {_megabytes(bare_rss):.0f}; "
        "rss counts a page that processes share once for each of them, pss (smaps_rollup) once in all",
    )


def _pss(processes: list[Memory]) -> dict[str, float]:
    """The sum, where the system tells it of every process."""
    told = [process.pss for process in processes if process.pss is not None]
    return {"pss": _megabytes(sum(told))} if len(told) == len(processes) else {}


def _megabytes(size: float) -> float:
    return size / 1e6
