"""A closed loop of clients, and what their requests took."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np

from tests.bench.report import MeasurementFailed

PERCENTILES = (50, 95, 99)


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer: milliseconds until all of it was there, and its JSON."""

    wall_ms: float
    body: dict[str, Any]

    def stage(self, name: str) -> float:
        """What the service says that stage took, in milliseconds."""
        return float(self.body["timings_ms"][name])


@dataclass(frozen=True, slots=True)
class Load:
    """What `at_once` clients got, each asking anew as soon as it is answered; `seconds` from the first request to the last answer."""

    at_once: int
    answers: Sequence[Answered]
    seconds: float

    @property
    def a_second(self) -> float:
        """Answers a second, of all clients together."""
        return len(self.answers) / self.seconds

    def stages(self, names: Sequence[str]) -> dict[str, dict[str, float]]:
        """The percentiles of each of these stages."""
        return {name: percentiles([answer.stage(name) for answer in self.answers]) for name in names}


async def run_load(http: httpx.AsyncClient, path: str, bodies: Sequence[Mapping[str, Any]], at_once: int) -> Load:
    """Posts every body once. Raises MeasurementFailed at the first answer that is not 200."""
    waiting, answers = iter(bodies), []

    async def client() -> None:
        for body in waiting:
            answers.append(await _answered(http, path, body))

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(at_once)))
    return Load(at_once, answers, time.perf_counter() - began)


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """`p50`, `p95` and `p99`."""
    found = np.percentile(values, PERCENTILES)
    return {f"p{percent}": float(value) for percent, value in zip(PERCENTILES, found, strict=True)}


async def _answered(http: httpx.AsyncClient, path: str, body: Mapping[str, Any]) -> Answered:
    began = time.perf_counter()
    response = await http.post(path, json=body)
    wall_ms = (time.perf_counter() - began) * 1000
    if response.status_code != httpx.codes.OK:
        raise MeasurementFailed(f"{path} answered {response.status_code}: {response.text[:300]}")
    return Answered(wall_ms, response.json())
