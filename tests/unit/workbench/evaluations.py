"""An evaluation as the service tells it, and a workbench that knows it alone."""

import json
from collections.abc import Sequence
from typing import Any

import httpx

EVAL, RUN, BASE = (f"0198f000-0000-7000-8000-00000000000{digit}" for digit in "e12")
Json = dict[str, Any]


def side(value: float, width: float = 0.05) -> Json:
    """A value with its interval."""
    return {"value": value, "low": round(value - width, 3), "high": round(value + width, 3)}


def row(metric: str, candidate: float, baseline: float, **fields: Any) -> Json:
    """A line of a comparison."""
    difference = side(round(candidate - baseline, 3), 0.02)
    nothing = dict.fromkeys(("p_value", "p_adjusted", "mde", "rule", "margin", "verdict"))
    figures = {"candidate": side(candidate), "baseline": side(baseline), "difference": difference}
    return {
        "metric": metric,
        "slice": "all",
        "n": 150,
        "clusters": 40,
        "higher_is_better": True,
        **figures,
        **nothing,
        "reason": "",
        **fields,
    }


def run(run_id: str, name: str, **fields: Any) -> Json:
    """A run's record."""
    prompt = {"name": "grounded-answer", "version": "1", "sha256": "c" * 64}
    counts = {"cases": 150, "errors": 0, "repeats": 1, "seed": 0, "cost_usd": 0.0, "input_tokens": 9, "output_tokens": 3}
    where = {"dataset": "handbook_qa", "fingerprint": "e" * 64, "index_generation": "g1", "models": ["extractive/extractive"]}
    made = {"run_id": run_id, "origin": "measured", "variant": {"name": name, "version": "1"}, "sha256": "a" * 64, "prompt": prompt}
    return {**made, **where, **counts, "code_version": "0.1.0", "settings": {"retriever": name}, "metrics": [], **fields}


def evaluation(*metrics: Json, **fields: Any) -> Json:
    """A completed evaluation of `default` against `previous`, with these rows."""
    rows = metrics or (row("correct", 0.82, 0.71, rule="better", margin=0.0, verdict="PASS", reason="better at all"),)
    counts = {"fixed": 1, "broken": 1, "changed": 0, "same": 0}
    comparison = {"gate": "default", "alpha": 0.05, "verdict": "PASS", "primary": "correct", "metrics": list(rows), "cases": counts}
    asked = {"dataset": "handbook_qa", "fingerprint": "e" * 64, "gate": "default", "experiment": "hybrid", "hypothesis": None}
    about = {"candidate_variant": "default", "baseline_variant": "previous", "candidate_run": RUN, "baseline_run": BASE}
    outcome = {"status": "completed", "verdict": "PASS", "reason": "correct: better at all", "error": None, "receipts": []}
    times = {"requested_at": "2026-11-29T01:00:00Z", "completed_at": "2026-11-29T01:01:00Z"}
    runs = {"candidate": run(RUN, "default"), "baseline": run(BASE, "previous"), "comparison": comparison}
    return {"eval_id": EVAL, **asked, **about, **outcome, **times, **runs, "progress": {"done": 300, "total": 300, "failed": 0}, **fields}


def case(change: str, baseline: float | None, candidate: float | None, **fields: Any) -> Json:
    """A case in both runs, whose answers say what they were worth."""
    sides = {name: _side(name, score) for name, score in (("baseline", baseline), ("candidate", candidate))}
    told = {"case_id": f"q-{change}", "question": f"Which one is {change}?", "answers": ["this one"], "answerable": True, "metadata": {}}
    return {"ordinal": 0, "cluster": None, "change": change, **told, **sides, **fields}


def _side(name: str, score: float | None) -> Json:
    scores = {} if score is None else {"correct": {"value": score}}
    return {"score": score, "text": f"The {name} says {score}.", "abstained": False, "answer": {}, "scores": scores, "error": None}


class Workbench:
    """Answers what is asked about one evaluation; `asked` are the bodies and queries that came."""

    def __init__(self, found: Json, cases: Sequence[Json] = (), looks: int = 1) -> None:
        self.found = found
        self.cases = cases
        self.looks = looks
        self.asked: list[tuple[str, str, Json]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """What the service would say."""
        body = json.loads(request.content) if request.content else dict(request.url.params)
        self.asked.append((request.method, request.url.path, body))
        match request.url.path.removeprefix(f"/evals/{EVAL}"):
            case "/evals":
                return httpx.Response(202, json={"eval_id": EVAL, "status": "requested", "status_url": f"/evals/{EVAL}"})
            case "/cases":
                wanted = [one for one in self.cases if body["change"] in ("all", one["change"])]
                return httpx.Response(200, json={"metric": "correct", "cases": wanted, "next": None})
            case "/record":
                return httpx.Response(200, json={"format": "workbench.run.v1", "run": self.found["candidate"], "cases": [{"case_id": "q"}]})
            case _:
                return httpx.Response(200, json=self._looked_at())

    def _looked_at(self) -> Json:
        self.looks -= 1
        return self.found if self.looks <= 0 else {**self.found, "status": "running", "verdict": None}
