"""Evaluations of a workbench over HTTP: one method a path; and how one is followed to its end."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from kit.clock import Clock

Json = dict[str, Any]

FINAL = frozenset({"completed", "failed", "cancelled"})
_FIRST_LOOK_S, _SLOWEST_LOOK_S = 0.2, 2.0
_PAGE = 500


class Evals:
    """Every method raises what `Client` raises."""

    def __init__(self, call: Callable[..., Awaitable[Json]]) -> None:
        self._call = call

    async def request(self, asked: Json) -> Json:
        """Asks for an evaluation; gives `{eval_id, status, status_url}`."""
        return await self._call("POST", "/evals", json=asked)

    async def get(self, eval_id: str) -> Json:
        """An evaluation with its runs and its comparison."""
        return await self._call("GET", _path(eval_id))

    async def newest(self, limit: int, **filters: str | None) -> list[Json]:
        """Evaluations, newest first; filters are `dataset` and `experiment`."""
        given = {name: value for name, value in filters.items() if value}
        found: list[Json] = (await self._call("GET", "/evals", params={"limit": limit, **given}))["evals"]
        return found

    async def cancel(self, eval_id: str, reason: str | None = None) -> Json:
        """Ends an evaluation."""
        return await self._call("POST", f"{_path(eval_id)}/cancel", json={"reason": reason})

    async def cases(self, eval_id: str, change: str = "all", most: int | None = None) -> Json:
        """The cases that changed so, all of them or the first: `{metric, cases}`."""
        found: list[Json] = []
        place: Json = {}
        while True:
            size = _PAGE if most is None else min(_PAGE, most - len(found))
            page = await self._call("GET", f"{_path(eval_id)}/cases", params={"change": change, "limit": size, **place})
            found += page["cases"]
            if page["next"] is None or (most is not None and len(found) >= most):
                return {"metric": page["metric"], "cases": found}
            place = {"after": page["next"]}

    async def record(self, eval_id: str) -> Json:
        """The candidate's run, to keep or to take elsewhere."""
        return await self._call("GET", f"{_path(eval_id)}/record")

    async def compare(self, candidate: str, baseline: str, gate: str | None) -> Json:
        """The evaluation that compares two runs; its status says whether it is done."""
        asked = {"candidate": candidate, "baseline": baseline, "gate": gate}
        return await self._call("GET", "/compare", params={name: value for name, value in asked.items() if value})

    async def leaderboards(self, dataset: str | None = None) -> list[Json]:
        """The runs of each dataset in their order."""
        found: list[Json] = (await self._call("GET", "/leaderboard", params={"dataset": dataset} if dataset else {}))["boards"]
        return found

    async def experiments(self) -> list[Json]:
        """What evaluations were grouped by."""
        found: list[Json] = (await self._call("GET", "/experiments"))["experiments"]
        return found


def _path(eval_id: str) -> str:
    """Of an evaluation; what somebody typed is one part of it, whatever is in it."""
    return f"/evals/{quote(eval_id, safe='')}"


async def followed(evals: Evals, eval_id: str, clock: Clock, told: Callable[[Json], None]) -> Json:
    """An evaluation once it has ended; each look at it is told."""
    pause = _FIRST_LOOK_S
    while True:
        found = await evals.get(eval_id)
        told(found)
        if found["status"] in FINAL:
            return found
        await clock.sleep(pause)
        pause = min(pause * 1.3, _SLOWEST_LOOK_S)
