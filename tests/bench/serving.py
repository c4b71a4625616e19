"""What clients get of a path: first cold, then with their vectors cached, then remembered; beside bare FastAPI with the same JSON."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.bench.load import Load, percentiles
from tests.bench.raw.bare_fastapi import running_bare_fastapi
from tests.bench.report import Figure, MeasurementFailed, Peer, Target
from tests.bench.stack import Stack
from tests.bench.wire import hammer
from tests.bench.workspace import Workspace

COLD, VECTORS, REMEMBERED = "cold", "vectors cached", "remembered"
# In this order each pass leaves what the next one finds, and no more.
FRESH: Mapping[str, bool] = MappingProxyType({COLD: False, VECTORS: True, REMEMBERED: False})
# A pass of remembered answers is over too soon to be measured otherwise.
REPEATED = 4
# As long as one request may keep all others waiting.
LATE_S = 0.02
LATE_METRIC = "workbench_event_loop_lag_seconds"
HALF = 0.5


@dataclass(frozen=True, slots=True)
class Served:
    """One pass: what clients got, and how often the event loop was late meanwhile, of how many looks."""

    state: str
    load: Load
    late: int
    looks: int


async def served(stack: Stack, path: str, bodies: Mapping[int, Sequence[Mapping[str, Any]]], workspace: Workspace) -> list[Served]:
    """All passes, for so many clients these bodies, none of which was asked before."""
    found = []
    for at_once, asked in bodies.items():
        for state, fresh in FRESH.items():
            workspace.tell(f"{path}, {state}, {at_once} at a time")
            repeated = [*asked] * (REPEATED if state == REMEMBERED else 1)
            before = await _lag(stack.http)
            load = await hammer(stack.addresses["http"], path, repeated, at_once, fresh)
            late, looks = (now - then for now, then in zip(await _lag(stack.http), before, strict=True))
            found.append(Served(state, load, late, looks))
    return found


async def _lag(http: httpx.AsyncClient) -> tuple[int, int]:
    told = (await http.get("/metrics")).text
    samples = [one for family in text_string_to_metric_families(told) if family.name == LATE_METRIC for one in family.samples]
    looks = next((int(one.value) for one in samples if one.name.endswith("_count")), None)
    if looks is None:
        raise MeasurementFailed(f"/metrics has no {LATE_METRIC}")
    return looks - next(int(one.value) for one in samples if one.labels.get("le") == str(LATE_S)), looks


async def figures(name: str, passes: Sequence[Served], stages: Sequence[str]) -> AsyncIterator[Figure]:
    """A row a pass; for what is remembered another one against bare FastAPI; and one for the event loop."""
    example = passes[0].load.answers[0].body
    async with running_bare_fastapi(example) as url:
        for one in passes:
            load, label = one.load, f"{name}, {one.state}, x{one.load.at_once}"
            yield Figure(
                f"{label}, over HTTP",
                "ms",
                percentiles([answer.wall_ms for answer in load.answers]),
                len(load.answers),
                "requests",
                stages=load.stages(stages) if one.state == COLD else {},
                note=f"{load.a_second:.0f} a second",
            )
            if one.state == REMEMBERED:
                bare = await hammer(url, "/same", [{"question": str(n)} for n in range(len(load.answers))], load.at_once)
                yield _against(label, load, bare)
    yield _lateness(name, passes)


def _against(label: str, load: Load, bare: Load) -> Figure:
    peer = Peer("bare FastAPI, the same JSON", bare.a_second)
    ours, theirs = (percentiles([answer.wall_ms for answer in each.answers]) for each in (load, bare))
    note = f"p50 {ours['p50']:.2f} ms, bare {theirs['p50']:.2f} ms"
    target = Target(HALF, at_least=True, of_ratio=True)
    return Figure(f"{label}, throughput", "/s", {"": load.a_second}, len(load.answers), "requests", peer, target, note=note)


def _lateness(name: str, passes: Sequence[Served]) -> Figure:
    told = ", ".join(f"{one.state} x{one.load.at_once}: {one.late} of {one.looks}" for one in passes)
    late = {"": float(sum(one.late for one in passes))}
    of = sum(one.looks for one in passes)
    return Figure(f"{name}, event loop late by more than {LATE_S * 1000:.0f} ms", "times", late, of, "looks", target=Target(0), note=told)


def only(passes: Sequence[Served], state: str) -> Iterator[Load]:
    """The loads of a state."""
    return (one.load for one in passes if one.state == state)
