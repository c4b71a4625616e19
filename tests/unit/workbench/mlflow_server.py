"""The part of MLflow's REST API that an export uses, in memory: it refuses what MLflow refuses."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

import httpx

_NAME = re.compile(r"[\w\-./ ]+")


@dataclass
class MlflowServer:
    """Experiments by name, and runs; `refuses` is what it says to every call."""

    experiments: dict[str, str] = field(default_factory=dict)
    runs: list[dict[str, Any]] = field(default_factory=list)
    seen: list[httpx.Request] = field(default_factory=list)
    refuses: httpx.Response | None = None

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answers a call."""
        self.seen.append(request)
        if self.refuses:
            return self.refuses
        verb = request.url.path.removeprefix("/api/2.0/mlflow").replace("/", "_").replace("-", "_")
        given = json.loads(request.content) if request.content else dict(request.url.params)
        answer = getattr(self, verb)(given)
        return httpx.Response(404 if "error_code" in answer else 200, json=answer)

    def _experiments_get_by_name(self, given: Any) -> dict[str, Any]:
        name = given["experiment_name"]
        if name not in self.experiments:
            return {"error_code": "RESOURCE_DOES_NOT_EXIST", "message": f"no experiment {name}"}
        return {"experiment": {"experiment_id": self.experiments[name], "name": name}}

    def _experiments_create(self, given: Any) -> dict[str, Any]:
        self.experiments[given["name"]] = str(len(self.experiments) + 1)
        return {"experiment_id": self.experiments[given["name"]]}

    def _runs_search(self, given: Any) -> dict[str, Any]:
        found = re.fullmatch(r"tags\.`workbench\.run_id` = '(.+)' and attributes\.status = 'FINISHED'", given["filter"])
        assert found
        same = [run for run in self.runs if run["tags"]["workbench.run_id"] == found[1] and run["status"] == "FINISHED"]
        return {"runs": [{"info": {"run_id": run["id"]}} for run in same]} if same else {}

    def _runs_create(self, given: Any) -> dict[str, Any]:
        run = {**given, "id": f"r{len(self.runs)}", "status": "RUNNING", "metrics": {}, "params": {}, "tags": _pairs(given["tags"])}
        self.runs.append(run)
        return {"run": {"info": {"run_id": run["id"]}}}

    def _runs_log_batch(self, given: Any) -> dict[str, Any]:
        run = self._run(given)
        assert len(given.get("params", [])) <= 100
        run["metrics"] |= _pairs(given.get("metrics", []))
        run["params"] |= _pairs(given.get("params", []))
        return {}

    def _runs_update(self, given: Any) -> dict[str, Any]:
        self._run(given).update(status=given["status"], end_time=given["end_time"])
        return {}

    def _run(self, given: Any) -> dict[str, Any]:
        [run] = [run for run in self.runs if run["id"] == given["run_id"]]
        return run


def _pairs(given: Any) -> dict[str, Any]:
    assert all(_NAME.fullmatch(one["key"]) for one in given), given
    return {one["key"]: one["value"] for one in given}
