"""Evaluations over HTTP: what is told, what is refused before anybody is asked, and what is shown of an outcome."""

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from contracts.evals import EvalCancelledV1, EvalRequestedV1
from services.rag.eval_store import CasePage, Telling
from services.rag.principal import Scope
from tests.unit.rag.asked import InMemoryEvals, app_over, got, record
from tests.unit.rag.shelf import TENANT


async def asked(store: InMemoryEvals, **body: Any) -> httpx.Response:
    """POST /evals about the dataset `faq`."""
    async with app_over(store) as http:
        return await http.post("/evals", json={"dataset": "faq", **body})


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
