"""Copies a run to an MLflow server over its REST API, so that nothing of MLflow's need be installed here.

Source: https://mlflow.org/docs/latest/rest-api.html. What the server asks for (a token, a user and password) is read as MLflow's own client
reads it: from MLFLOW_TRACKING_TOKEN, or from MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD.
"""

import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

import httpx

from kit.errors import DependencyDown, Permanent
from workbench import figures
from workbench.evals import Json

EXPERIMENT = "workbench"
_API = "/api/2.0/mlflow"
_TIMEOUT = httpx.Timeout(30, connect=5)
_RUN = "workbench.run_id"
# What one call takes at most.
_METRICS, _PARAMS, _VALUE_CHARS = 1000, 100, 6000
_ENDS = {"": "value", ".low": "low", ".high": "high"}
_NOT_IN_NAMES = re.compile(r"[^\w\-./ ]")


@dataclass(frozen=True, slots=True)
class Exported:
    """Where a run is in MLflow; `created` is False if it was there before."""

    experiment_id: str
    run_id: str
    created: bool


@dataclass(frozen=True, slots=True)
class Mlflow:
    """A server. Every call raises Permanent `mlflow_refused` with what it says, DependencyDown `mlflow_down` if nobody answers."""

    http: httpx.AsyncClient

    async def export(self, found: Json) -> Exported:
        """Copies the candidate's run of a completed evaluation, once. Raises Permanent `eval_unfinished` if there is none."""
        if found["status"] != "completed" or not found.get("candidate"):
            raise Permanent("eval_unfinished", f"evaluation {found['eval_id']} is {found['status']}; only what is completed is exported")
        experiment = await self._experiment(found.get("experiment") or EXPERIMENT)
        run_id = found["candidate"]["run_id"]
        asked = {"experiment_ids": [experiment], "filter": f"tags.`{_RUN}` = '{run_id}' and attributes.status = 'FINISHED'"}
        if there := (await self._call("POST", "/runs/search", json=asked)).get("runs"):
            return Exported(experiment, there[0]["info"]["run_id"], created=False)
        return Exported(experiment, await self._copied(experiment, found), created=True)

    async def _experiment(self, name: str) -> str:
        """The id of an experiment, which is made if there is none."""
        found = await self._call("GET", "/experiments/get-by-name", params={"experiment_name": name}, accept=HTTPStatus.NOT_FOUND)
        if not found.get("experiment"):
            found = {"experiment": await self._call("POST", "/experiments/create", json={"name": name})}
        return str(found["experiment"]["experiment_id"])

    async def _copied(self, experiment: str, found: Json) -> str:
        began, ended = _milliseconds(found["requested_at"]), _milliseconds(found["completed_at"])
        named = {"experiment_id": experiment, "run_name": figures.named(found["candidate"]), "start_time": began}
        made = await self._call("POST", "/runs/create", json={**named, "tags": _pairs(tags(found))})
        run: str = made["run"]["info"]["run_id"]
        values = [{"key": key, "value": value, "timestamp": ended, "step": 0} for key, value in metrics(found).items()]
        for first in range(0, len(values), _METRICS):
            await self._call("POST", "/runs/log-batch", json={"run_id": run, "metrics": values[first : first + _METRICS]})
        said = _pairs(params(found["candidate"]))
        for first in range(0, len(said), _PARAMS):
            await self._call("POST", "/runs/log-batch", json={"run_id": run, "params": said[first : first + _PARAMS]})
        await self._call("POST", "/runs/update", json={"run_id": run, "status": "FINISHED", "end_time": ended})
        return run

    async def _call(self, method: str, path: str, accept: HTTPStatus | None = None, **request: Any) -> Json:
        try:
            response = await self.http.request(method, _API + path, **request)
        except httpx.TransportError as error:
            told = f"no MLflow server answers at {self.http.base_url} ({type(error).__name__}); start one, or name another with --mlflow"
            raise DependencyDown("mlflow_down", told) from error
        answer = _json(response)
        if answer is None or (response.is_error and response.status_code != accept):
            said = (answer or {}).get("message") or f"{response.status_code} {response.reason_phrase}"
            raise Permanent("mlflow_refused", f"{self.http.base_url} refused {path.strip('/')}: {said}")
        return answer


def metrics(found: Json) -> dict[str, float]:
    """Every figure of the candidate by name: `correct`, `correct.low`, `correct.high`, `correct.difference` to the baseline, and totals."""
    run = found["candidate"]
    told = {f"{row['metric']}{end}": row.get(side) for row in run["metrics"] for end, side in _ENDS.items()}
    told |= {f"{row['metric']}.difference": row["difference"]["value"] for row in figures.whole(found) if row["difference"]}
    told |= {f"total.{name}": run.get(name) for name in ("cases", "errors", "cost_usd", "input_tokens", "output_tokens")}
    return {_name(name): float(value) for name, value in told.items() if value is not None}


def params(run: Json) -> dict[str, str]:
    """What was measured, and on what: hashes, versions, settings."""
    plain = ("sha256", "dataset", "fingerprint", "index_generation", "seed", "repeats", "code_version")
    said = {name: run.get(name) for name in plain} | {"variant": figures.named(run), "models": ", ".join(run.get("models") or [])}
    if prompt := run.get("prompt"):
        said |= {"prompt": f"{prompt['name']}@{prompt['version']}", "prompt_sha256": prompt["sha256"]}
    said |= dict(_flat("settings", run.get("settings") or {}))
    return {_name(name): str(value)[:_VALUE_CHARS] for name, value in said.items() if value not in (None, "")}


def tags(found: Json) -> dict[str, str]:
    """Where it comes from, and what the comparison came to."""
    baseline, run = found.get("baseline"), found["candidate"]
    said = {
        _RUN: run["run_id"],
        "workbench.eval_id": found["eval_id"],
        "workbench.verdict": found.get("verdict"),
        "workbench.gate": found.get("gate"),
        "workbench.baseline": figures.named(baseline) if baseline else None,
        "workbench.hypothesis": found.get("hypothesis"),
        "mlflow.note.content": found.get("reason"),
        "mlflow.source.name": "workbench",
    }
    return {name: str(value) for name, value in said.items() if value}


def _flat(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, dict):
        yield name, value
        return
    for key, part in value.items():
        yield from _flat(f"{name}.{key}", part)


def _name(name: str) -> str:
    """As every version of MLflow takes it: `recall@5` is `recall_at_5`."""
    return _NOT_IN_NAMES.sub("_", name.replace("@", "_at_"))


def _pairs(said: Mapping[str, str]) -> list[Json]:
    return [{"key": key, "value": value} for key, value in said.items()]


def _milliseconds(at: str) -> int:
    return int(datetime.fromisoformat(at).timestamp() * 1000)


def _json(response: httpx.Response) -> Json | None:
    try:
        answer = response.json()
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


@asynccontextmanager
async def opened(uri: str, environment: Mapping[str, str], transport: httpx.AsyncBaseTransport | None = None) -> AsyncIterator[Mlflow]:
    """The server at `uri`, with what the environment says of who we are. Raises Permanent `mlflow_address_invalid` for what is none."""
    if not uri.startswith(("http://", "https://")):
        told = f"{uri!r} is no address of an MLflow server; run `mlflow server` and give its http:// address"
        raise Permanent("mlflow_address_invalid", told)
    token, user = environment.get("MLFLOW_TRACKING_TOKEN"), environment.get("MLFLOW_TRACKING_USERNAME")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    auth = (user, environment.get("MLFLOW_TRACKING_PASSWORD", "")) if user and not token else None
    async with httpx.AsyncClient(base_url=uri.rstrip("/"), timeout=_TIMEOUT, headers=headers, auth=auth, transport=transport) as http:
        yield Mlflow(http)
