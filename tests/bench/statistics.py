"""What certainty costs: the interval of a mean over 5,000 cases from 10,000 resamples, beside scipy's, and a whole comparison."""

import asyncio
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from scipy import stats

from services.evaluator.compare import compare
from services.evaluator.scored import Scored
from services.evaluator.statistics.bootstrap import Clusters, Floats, apart, bootstrap, mean
from tests.bench.report import Figure, Peer, Target
from tests.bench.workspace import Workspace

CASES, RESAMPLES, CLUSTERED = 5_000, 10_000, 5
TIMES = 3
BATCH = 200  # resamples that scipy holds at once; all of them would need 400 MB twice
SECONDS = 1.0
NAMES = ("correct", "token_f1", "ndcg@10", "citation_recall")


async def measure(workspace: Workspace) -> list[Figure]:
    """The best of a few times each, so that what else runs here counts less."""
    return await asyncio.to_thread(_measure, workspace)


def _measure(workspace: Workspace) -> list[Figure]:
    scores = np.random.default_rng(0).beta(4, 2, size=CASES)
    workspace.tell(f"{RESAMPLES} resamples of {CASES} cases")
    alone, clustered = (_timed(partial(_ours, scores, clusters)) for clusters in (apart(CASES), apart(CASES) // CLUSTERED))
    workspace.tell("the same with scipy")
    peer = Peer("scipy.stats.bootstrap, BCa", _timed(lambda: _scipys(scores), 1)["best"])
    workspace.tell(f"comparing two runs of {CASES} cases")
    runs = [_run(seed) for seed in (1, 2)]
    compared = _timed(lambda: compare(*runs, None, 0, RESAMPLES), 1)
    name = f"bootstrap, {RESAMPLES:,} resamples"
    return [
        Figure(f"{name}, BCa", "s", alone, CASES, "clusters of one", peer, Target(SECONDS)),
        Figure(f"{name}, in clusters of {CLUSTERED}", "s", clustered, CASES // CLUSTERED, "clusters", None, Target(SECONDS)),
        Figure("comparison of two runs", "s", compared, CASES, "cases", note=f"{len(NAMES)} metrics, with intervals and tests"),
    ]


def _ours(scores: Floats, clusters: Clusters) -> None:
    bootstrap(mean(scores), clusters, np.random.default_rng(1))


def _scipys(scores: Floats) -> None:
    stats.bootstrap((scores,), np.mean, n_resamples=RESAMPLES, batch=BATCH, method="BCa", rng=np.random.default_rng(1))


def _run(seed: int) -> list[Scored]:
    rng = np.random.default_rng(seed)
    return [
        Scored(str(at), {name: float(value) for name, value in zip(NAMES, rng.uniform(size=len(NAMES)), strict=True)}, cluster=str(at // 5))
        for at in range(CASES)
    ]


def _timed(call: Callable[[], object], times: int = TIMES) -> dict[str, float]:
    """Seconds of the quickest of so many calls, and of the processor's time that one took."""
    taken, used = [], []
    for _ in range(times):
        began, worked = time.perf_counter(), time.process_time()
        call()
        taken.append(time.perf_counter() - began)
        used.append(time.process_time() - worked)
    return {"best": min(taken), "processor": min(used)}
