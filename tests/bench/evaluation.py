"""What an evaluation takes beside the answers: cases a second against the ideal, and memory by the size of the dataset."""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import psutil

from tests.bench.evaluator import EvaluatorProcess, Row, cases_of, running_evaluator
from tests.bench.peer_runs import PEERS, PYTHON, PeerRun, run_peer
from tests.bench.rag_server import QUERY, running_rag, when_asked
from tests.bench.report import Figure, MeasurementFailed, Peer, Target
from tests.bench.workspace import Workspace
from workbench.stack.servers import Servers, running_servers

LATENCY_S, CONCURRENCY = 0.2, 32
IDEAL = CONCURRENCY / LATENCY_S
SMALL, LARGE, WARM_UP = 200, 6_400, 64
FEW, MANY = 1_000, 50_000
WITHIN_S = 900
# A look at the results counts them all.
LOOK_S = 0.05
GOAL, FLAT = 0.95, 1.5
MIB = 1024 * 1024

# The results of all cases that have none, as if they had been asked.
_ANSWERED = """
INSERT INTO results (run_id, ordinal, repeat, answer, scores)
SELECT r.run_id, o.ordinal, 0, a.answer, a.scores
FROM eval_runs r, unnest(r.sample) AS o (ordinal), (SELECT answer, scores FROM results WHERE answer IS NOT NULL LIMIT 1) a
WHERE r.eval_id = $1 ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """Seconds from the first question to the last result, seconds until that question, and what the evaluator computed meanwhile."""

    seconds: float
    until_asked_s: float
    cpu_s: float


async def measure(workspace: Workspace) -> list[Figure]:
    """A rag of 200 ms, asked 32 questions at once; the same server asked by other evaluators; and one that answers at once, for memory."""
    folder = workspace.new_folder("evaluation")
    with running_servers(folder / "servers") as servers:
        async with running_rag(LATENCY_S) as rag:
            speeds = await _speeds(workspace, servers, folder, rag)
            peers = await _peers(workspace, rag)
        memory = await _memory(workspace, servers, folder)
    note = f"peak of the process over {FEW:,} cases, as measured before; the results of the {MANY:,} are not asked, all else is done"
    flat = Target(FLAT, of_ratio=True)
    return [
        *(_speed(count, taken, peers) for count, taken in speeds.items()),
        *(_beside(speeds[SMALL], peer) for peer in peers),
        Figure("evaluator's memory", "MiB", {"peak": memory[MANY]}, MANY, "cases", Peer("small", memory[FEW]), flat, note=note),
    ]


async def _speeds(workspace: Workspace, servers: Servers, folder: Path, rag: str) -> dict[int, Taken]:
    """By the number of cases."""
    taken = {}
    async with running_evaluator(servers, folder, rag, RAG__CONCURRENCY=str(CONCURRENCY)) as evaluator:
        for count in (WARM_UP, SMALL, LARGE):
            workspace.tell(f"{count} cases of {LATENCY_S * 1000:.0f} ms, {CONCURRENCY} at once")
            await evaluator.upload(f"speed-{count}", cases_of(count))
            taken[count] = await _asked(evaluator, f"speed-{count}", rag)
    del taken[WARM_UP]
    return taken


async def _asked(evaluator: EvaluatorProcess, dataset: str, rag: str) -> Taken:
    process, before = psutil.Process(evaluator.process.pid), len(await when_asked(rag, QUERY))
    eval_id = await evaluator.request(dataset)
    await evaluator.until(eval_id, lambda row: row["status"] == "running", WITHIN_S)
    planned, worked = time.monotonic(), _cpu_s(process)
    await evaluator.until(eval_id, lambda row: row["done"] == row["total"], WITHIN_S, LOOK_S)
    ended, worked = time.monotonic(), _cpu_s(process) - worked
    await _completed(evaluator, eval_id)
    began = (await when_asked(rag, QUERY))[before]
    return Taken(ended - began, began - planned, worked)


async def _peers(workspace: Workspace, rag: str) -> list[PeerRun]:
    """Of those that are installed somewhere."""
    python, found = os.environ.get(PYTHON), list[PeerRun]()
    if python is None:
        return found
    for name in PEERS:
        workspace.tell(f"{SMALL} cases by {name}")
        found.append(await run_peer(python, name, rag, CONCURRENCY, cases_of(SMALL), cases_of(WARM_UP)))
    return found


async def _completed(evaluator: EvaluatorProcess, eval_id: UUID) -> Row:
    row = await evaluator.until(eval_id, lambda row: row["completed_at"] is not None, WITHIN_S, every_s=0.5)
    if row["status"] != "completed" or row["failed"]:
        raise MeasurementFailed(f"the evaluation {row['status']} with {row['failed']} errors: {row['error_message']}")
    return row


async def _memory(workspace: Workspace, servers: Servers, folder: Path) -> Mapping[int, float]:
    """The peak of the process after a small evaluation, and after one of fifty times as many cases."""
    peaks = {}
    async with running_rag() as rag, running_evaluator(servers, folder, rag) as evaluator:
        for count in (FEW, MANY):
            workspace.tell(f"memory over {count:,} cases")
            await evaluator.upload(f"memory-{count}", cases_of(count))
            eval_id = await evaluator.request(f"memory-{count}")
            await evaluator.until(eval_id, lambda row: row["done"] >= WARM_UP, WITHIN_S)
            if count == MANY:
                await evaluator.pool.execute(_ANSWERED, eval_id, timeout=WITHIN_S)
            await _completed(evaluator, eval_id)
            peaks[count] = _peak_mib(evaluator.process.pid)
    return peaks


def _speed(count: int, taken: Taken, peers: Sequence[PeerRun]) -> Figure:
    goal = Target(GOAL, at_least=True, of_ratio=True) if count == LARGE else None
    note = (
        f"{taken.seconds:.1f} s from the first question to the last result, {taken.until_asked_s:.1f} s after it was planned; "
        f"the evaluator computed {taken.cpu_s:.1f} s ({taken.cpu_s / count * 1000:.1f} ms a case)"
    )
    if count == SMALL and not peers:
        note += f"; set {PYTHON} to a Python that has inspect-ai and deepeval, for the same by these"
    return Figure("evaluation", "cases/s", {"asked": count / taken.seconds}, count, "cases", Peer("ideal", IDEAL), goal, note=note)


def _beside(taken: Taken, peer: PeerRun) -> Figure:
    theirs = Peer(peer.package, SMALL / peer.seconds)
    ours = "Ours asks, scores by all of its scorers and keeps everything in Postgres"
    note = f"it {peer.does}; {peer.seconds:.1f} s, its whole call {peer.whole_s:.1f}. {ours}"
    return Figure(f"evaluation beside {peer.package}", "cases/s", {"asked": SMALL / taken.seconds}, SMALL, "cases", theirs, note=note)


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _peak_mib(pid: int) -> float:
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(lines["VmHWM"].split()[0]) * 1024 / MIB
