"""Evaluations over HTTP: what is told, what is refused before anybody is asked, and what is shown of an outcome."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI

from contracts.evals import EvalCancelledV1, EvalRequestedV1
from kit.clock import FakeClock
from kit.fakes.blobs import InMemoryBlobs
from kit.ids import new_id
from services.rag.api import evals, problems
from services.rag.api.evals_schemas import EvalDetail
from services.rag.api.middleware import Observed
from services.rag.eval_store import CasePage, EvalPage, Telling
from services.rag.evals import Evals
from services.rag.principal import Principal, Scope
from tests.unit.rag.served import OneUser, direct
from tests.unit.rag.shelf import TENANT, shelf_with_built_in, variants_on

EVERYTHING = frozenset({Scope.EVALS_READ, Scope.EVALS_WRITE})
NOW = datetime(2026, 11, 29, 1, tzinfo=UTC)
VARIANT = {"name": "default", "version": "1"}


def record(run_id: UUID, fingerprint: str = "f" * 64) -> dict[str, Any]:
    """What is told of a run."""
    where = {"dataset": "faq", "fingerprint": fingerprint, "cases": 2}
    return {"run_id": str(run_id), "origin": "measured", "variant": VARIANT, "sha256": "a" * 64, **where}


@dataclass
class InMemoryEvals:
    """The twin of EvalStore: requests are rows at once, and what evaluator would publish is put there by the test."""

    rows: dict[tuple[str, UUID], dict[str, Any]] = field(default_factory=dict)
    runs: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    told: list[EvalRequestedV1 | EvalCancelledV1] = field(default_factory=list)
    pages: list[CasePage] = field(default_factory=list)
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOW))

    async def add(self, tenant_id: str, event: EvalRequestedV1, _: str | None = None) -> UUID:
        """Once for each id."""
        if (tenant_id, event.eval_id) not in self.rows:
            self.told.append(event)
            self.rows[tenant_id, event.eval_id] = row(event)
        return event.eval_id

    async def cancel(self, _: str, event: EvalCancelledV1) -> None:
        """Only tells."""
        self.told.append(event)

    async def one(self, tenant_id: str, eval_id: UUID) -> dict[str, Any] | None:
        """Of this tenant alone."""
        return self.rows.get((tenant_id, eval_id))

    async def evals(self, tenant_id: str, page: EvalPage) -> list[dict[str, Any]]:
        """In the order in which they came."""
        return [one for (owner, _), one in self.rows.items() if owner == tenant_id][: page.limit]

    async def run(self, _: str, run_id: UUID) -> dict[str, Any] | None:
        """One that was put there."""
        return self.runs.get(run_id)

    async def compared(self, tenant_id: str, runs: tuple[UUID, UUID], gate: str | None) -> UUID | None:
        """The last that was told."""
        asked = [one for (owner, _), one in self.rows.items() if owner == tenant_id]
        same = [one["eval_id"] for one in asked if (one["candidate_run"], one["baseline_run"], one["gate"]) == (*runs, gate)]
        return same[-1] if same else None

    async def has_dataset(self, _: str, name: str) -> bool:
        """There is one."""
        return name == "faq"

    async def answers(self, _: str, __: UUID) -> list[dict[str, Any]]:
        """One with a score, one that got none."""
        told = {"case_id": "q1", "cluster": "c", "answerable": True, "metadata": {}, "repeat": 0}
        scores = {"correct": 1.0, "recall@5": None}
        return [
            {**told, "text": "yes", "scores": scores, "error": None},
            {**told, "case_id": "q2", "text": None, "scores": {}, "error": "e"},
        ]

    async def cases(self, _: str, __: Any, by: Telling, page: CasePage) -> list[dict[str, Any]]:
        """One, in both runs, whose text says by what it is told."""
        self.pages.append(page)
        sides = {f"{side}{name}": None for side in ("", "baseline_") for name in ("score", "answer", "scores", "error")}
        told = {"ordinal": 4, "case_id": "q1", "question": "?", "answerable": True, "answers": None, "metadata": None, "cluster": None}
        return [{**told, **sides, "score": 1.0, "answer": {"text": str(by), "abstained": False}, "compared": True, "change": "fixed"}]


def row(event: EvalRequestedV1, **fields: Any) -> dict[str, Any]:
    """What the query gives of a request that nobody has seen yet."""
    asked = {
        name: getattr(event, name) for name in ("eval_id", "dataset", "candidate_run", "baseline_run", "gate", "experiment", "hypothesis")
    }
    wishes = {name: getattr(event, name) for name in ("seed", "repeats", "max_cases", "budget_usd")}
    nothing = dict.fromkeys(name for name in EvalDetail.model_fields if name not in ("progress", "error"))
    variants = {"candidate_variant": event.candidate, "baseline_variant": event.baseline, "status": "requested", "receipts": []}
    counts = {"done": 0, "total": 0, "failed": 0, "error_code": None, "error_message": None, "requested_at": "2026-11-29T01:00:00Z"}
    return {**nothing, **asked, **wishes, **variants, **counts, **fields}


def app_over(store: InMemoryEvals, scopes: frozenset[Scope] = EVERYTHING) -> httpx.AsyncClient:
    """A client of the routes alone."""
    app = FastAPI()
    verbs = Evals(store, variants_on(shelf_with_built_in()), InMemoryBlobs(), new_id, store.clock)
    app.state.parts = SimpleNamespace(evals=verbs, authenticator=OneUser(Principal(TENANT, "k", scopes)))
    problems.add_problem_handlers(app)
    app.include_router(evals.router)
    app.add_middleware(Observed)
    return direct(app)


async def asked(store: InMemoryEvals, **body: Any) -> httpx.Response:
    """POST /evals about the dataset `faq`."""
    async with app_over(store) as http:
        return await http.post("/evals", json={"dataset": "faq", **body})


async def got(store: InMemoryEvals, path: str, scopes: frozenset[Scope] = EVERYTHING) -> httpx.Response:
    """GET."""
    async with app_over(store, scopes) as http:
        return await http.get(path)


async def test_a_request_is_told_and_found_at_once() -> None:
    """Before evaluator has heard of it."""
    store = InMemoryEvals()

    answer = await asked(store, baseline="previous", gate="default", experiment="e", repeats=2, seed=7, max_cases=9, budget_usd=0.5)

    told, found = answer.json(), (await got(store, answer.headers["location"])).json()
    [event] = store.told
    assert (answer.status_code, told["status"], found["status"]) == (202, "requested", "requested")
    assert (event.candidate, event.baseline, event.gate, event.experiment) == ("default", "previous", "default", "e")
    assert (event.repeats, event.seed, event.max_cases, event.budget_usd) == (2, 7, 9, 0.5)
    assert (found["candidate_variant"], found["candidate"], found["progress"]) == ("default", None, {"done": 0, "total": 0, "failed": 0})


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"dataset": "nowhere"}, 404, "dataset_unknown"),
        ({"candidate": "nobody"}, 422, "variant_unknown"),
        ({"baseline": "nobody"}, 422, "variant_unknown"),
        ({"baseline": "default@production"}, 422, "eval_same_variant"),
        ({"baseline": "previous", "baseline_run": str(uuid4())}, 422, "request_invalid"),
        ({"candidate": "default", "candidate_run": str(uuid4())}, 422, "request_invalid"),
        ({"candidate_run": str(uuid4())}, 404, "run_unknown"),
        ({"baseline_run": str(uuid4())}, 404, "run_unknown"),
        ({"baseline_record": {"format": "workbench.run.v9"}}, 422, "record_invalid"),
        ({"repeats": 0}, 422, "request_invalid"),
        ({"colour": "red"}, 422, "request_invalid"),
    ],
)
async def test_an_obvious_mistake_is_refused_at_once(body: dict[str, Any], status: int, code: str) -> None:
    """And nothing is told."""
    store = InMemoryEvals()

    answer = await asked(store, **body)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert store.told == []


async def test_a_dataset_of_the_hub_is_left_to_the_evaluator() -> None:
    """Nobody has registered it here."""
    store = InMemoryEvals()

    assert (await asked(store, dataset="hf:squad#plain:validation")).status_code == 202


async def test_an_earlier_run_says_what_it_measured() -> None:
    """Its variant, and of which dataset it is: another one is refused."""
    run = uuid4()
    store = InMemoryEvals(runs={run: {"run_id": run, "status": "completed", "dataset": "faq", "fingerprint": "f", "record": record(run)}})

    await asked(store, candidate_run=str(run), baseline="previous")
    other = await asked(store, dataset="hf:squad", candidate_run=str(run))

    assert (store.told[0].candidate, store.told[0].candidate_run) == ("default@1", run)
    assert other.json()["code"] == "eval_other_dataset"


async def test_a_recorded_run_is_kept_as_a_blob() -> None:
    """The event carries where it lies."""
    store = InMemoryEvals()

    await asked(store, baseline_record={"format": "workbench.run.v1", "run": {"a": 1}, "cases": [{"case_id": "q"}]})

    assert store.told[0].baseline_record is not None
    assert store.told[0].baseline_record.bytes > 50


def two_runs() -> tuple[InMemoryEvals, UUID, UUID, str]:
    """Two completed runs, and where they are compared."""
    one, two = uuid4(), uuid4()
    rows = {run: {"run_id": run, "status": "completed", "dataset": "faq", "fingerprint": "f", "record": record(run)} for run in (one, two)}
    return InMemoryEvals(runs=rows), one, two, f"/compare?candidate={one}&baseline={two}"


async def test_a_comparison_is_asked_for_once() -> None:
    """The same two runs under the same gate are the same evaluation; under another gate they are not."""
    store, one, two, path = two_runs()

    first, again, strict = [await got(store, f"{path}{gate}") for gate in ("", "", "&gate=strict")]

    assert (first.status_code, first.json()["status"]) == (202, "requested")
    assert first.json()["eval_id"] == again.json()["eval_id"] != strict.json()["eval_id"]
    assert [(event.candidate_run, event.baseline_run, event.gate) for event in store.told] == [(one, two, None), (one, two, "strict")]
    assert (await got(store, f"/compare?candidate={one}&baseline={one}")).json()["code"] == "eval_same_variant"
    store.runs[two]["fingerprint"] = "g"
    assert (await got(store, path)).json()["code"] == "eval_other_dataset"


@pytest.mark.parametrize("side", [0, 1], ids=["candidate", "baseline"])
@pytest.mark.parametrize("status", ["running", "failed", "cancelled"])
async def test_a_run_is_compared_when_it_is_completed(side: int, status: str) -> None:
    """Asked too early, nothing is told that would fail and be remembered."""
    store, *runs, path = two_runs()
    store.runs[runs[side]]["status"] = status

    early = await got(store, path)

    assert (early.status_code, early.json()["code"], store.told) == (409, "run_unfinished", [])


@pytest.mark.parametrize(
    ("status", "age", "told"),
    [
        ("failed", timedelta(seconds=50), 1),
        ("failed", timedelta(seconds=70), 2),
        ("cancelled", timedelta(seconds=70), 2),
        ("completed", timedelta(hours=23), 1),
        ("completed", timedelta(hours=25), 2),
    ],
)
async def test_a_comparison_is_renewed(status: str, age: timedelta, told: int) -> None:
    """A failure when whoever asked has seen it; a verdict after a day, so that it can have new receipts."""
    store, *_, path = two_runs()
    first = (await got(store, path)).json()["eval_id"]
    store.rows[TENANT, UUID(first)] |= {"status": status, "completed_at": NOW - age}

    again, same = [(await got(store, path)).json()["eval_id"] for _ in range(2)]

    assert (len(store.told), again == first, same == again) == (told, told == 1, True)


async def test_an_evaluation_that_has_ended_cannot_be_cancelled() -> None:
    """One that has not can, more than once."""
    store = InMemoryEvals()
    eval_id = UUID((await asked(store)).json()["eval_id"])
    async with app_over(store) as http:
        going = [await http.post(f"/evals/{eval_id}/cancel", json=body) for body in ({"reason": "wrong seed"}, None)]
        store.rows[TENANT, eval_id]["status"] = "completed"
        ended = await http.post(f"/evals/{eval_id}/cancel")

    assert [answer.status_code for answer in (*going, ended)] == [202, 202, 409]
    assert [event.reason for event in store.told if isinstance(event, EvalCancelledV1)] == ["wrong seed", None]


async def test_another_tenants_evaluation_is_not_there() -> None:
    """Nor its cases, its record, or a way to cancel it."""
    store = InMemoryEvals()
    event = EvalRequestedV1(eval_id=uuid4(), dataset="faq", candidate="default")
    await store.add("others", event)

    answers = [await got(store, f"/evals/{event.eval_id}{end}") for end in ("", "/cases", "/record")]

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(404, "eval_unknown")}
    assert (await got(store, "/evals")).json() == {"evals": [], "next": None}


async def test_a_run_is_exported_when_it_is_completed() -> None:
    """An unscored score is null, an answer that did not come is an error."""
    store, run = InMemoryEvals(), uuid4()
    eval_id = UUID((await asked(store)).json()["eval_id"])
    early = await got(store, f"/evals/{eval_id}/record")
    store.rows[TENANT, eval_id] |= {"status": "completed", "candidate_run": run}
    store.runs[run] = {"run_id": run, "status": "completed", "dataset": "faq", "fingerprint": "f", "record": record(run)}

    exported = (await got(store, f"/evals/{eval_id}/record")).json()

    assert (early.status_code, early.json()["code"]) == (409, "eval_unfinished")
    assert (exported["format"], exported["run"]["run_id"]) == ("workbench.run.v1", str(run))
    assert [(case["text"], case["error"], case["scores"]) for case in exported["cases"]] == [
        ("yes", None, {"correct": 1.0, "recall@5": None}),
        ("", "e", {}),
    ]


async def test_cases_change_by_the_score_that_the_gate_puts_first() -> None:
    """Without a comparison, by `correct`."""
    store = InMemoryEvals()
    eval_id = UUID((await asked(store)).json()["eval_id"])
    store.rows[TENANT, eval_id] |= {"candidate_run": uuid4(), "comparison": {"primary": "token_f1"}}

    found = (await got(store, f"/evals/{eval_id}/cases?change=fixed&after=3&limit=1")).json()

    assert (found["metric"], found["next"], store.pages) == ("token_f1", 4, [CasePage("fixed", 3, 1)])
    assert found["cases"][0]["candidate"]["text"] == str(Telling("token_f1"))
    assert (await got(store, f"/evals/{eval_id}/cases?change=odd")).status_code == 422


async def test_a_comparison_says_which_score_tells_and_which_way() -> None:
    """A metric need not be a score: of a quantile of latencies, each case has a latency, and less is better."""
    store = InMemoryEvals()
    eval_id = UUID((await asked(store)).json()["eval_id"])
    told = {"primary": "latency_ms_p95", "primary_score": "latency_ms", "higher_is_better": False}
    store.rows[TENANT, eval_id] |= {"candidate_run": uuid4(), "comparison": told}

    found = (await got(store, f"/evals/{eval_id}/cases")).json()

    assert found["metric"] == "latency_ms"
    assert found["cases"][0]["candidate"]["text"] == str(Telling("latency_ms", higher_is_better=False))


@pytest.mark.parametrize(("scope", "reads", "writes"), [(Scope.EVALS_READ, 200, 403), (Scope.EVALS_WRITE, 403, 202)])
async def test_reading_and_asking_are_scopes_of_their_own(scope: Scope, reads: int, writes: int) -> None:
    """A comparison needs both, since it may have to be asked for."""
    store, scopes = InMemoryEvals(), frozenset({scope})
    async with app_over(store, scopes) as http:
        answers = [await http.get("/evals"), await http.post("/evals", json={"dataset": "faq"})]
        compared = await http.get(f"/compare?candidate={uuid4()}&baseline={uuid4()}")

    assert [answer.status_code for answer in answers] == [reads, writes]
    assert compared.status_code == 403
