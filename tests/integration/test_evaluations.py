"""Evaluations: asked for, measured, compared, and finished; every refusal is an outcome with its reason."""

import asyncio
import json
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.documents import BlobRef
from contracts.evals import EvalRequestedV1
from kit.errors import Permanent
from services.evaluator.gate import Gate
from services.evaluator.rag import Refused
from services.evaluator.receipts import Signer
from services.evaluator.record import FORMAT
from tests.bench.evaluator import cases_of
from tests.events import received
from tests.integration.conftest import OpenEffects
from tests.integration.evaluations import Evaluator, Options, open_evaluator
from tests.unit.evaluator.rags import ScriptedRag

RULE = {"metric": "correct", "rule": "at_least", "bound": 0.1}
GATE = Gate.model_validate({"name": "quality", "description": "some are right", "datasets": ["d"], "min_cases": 2, "rules": [RULE]})
HALF = {f"Question {n}?": "yes" if n % 2 else "no" for n in range(40)}


@pytest.fixture
async def evaluator(open_effects: OpenEffects) -> Evaluator:
    """One whose rag is right about every other question."""
    return await open_evaluator(open_effects, ScriptedRag(HALF), Options(gates=[GATE]))


async def test_a_variant_is_measured_on_every_case(evaluator: Evaluator) -> None:
    """What was asked, what came of it, and what it took is in the views."""
    fingerprint = await evaluator.prepare("measured", cases_of(10))

    seen = await evaluator.evaluated(dataset="measured", seed=3)
    record = await evaluator.record(seen["candidate_run"])

    assert (seen["status"], seen["fingerprint"], seen["done"], seen["total"], seen["failed"]) == ("completed", fingerprint, 10, 10, 0)
    assert (record["variant"], record["cases"], record["errors"], record["seed"]) == ({"name": "b", "version": "1"}, 10, 0, 3)
    assert (record["models"], record["cost_usd"], record["input_tokens"], record["output_tokens"]) == (["test/m"], 5.0, 30, 20)
    assert {one["metric"]: one["value"] for one in record["metrics"]}["correct"] == 0.5
    assert [event.candidate.run_id for event in evaluator.completed if event.candidate] == [seen["candidate_run"]]


async def test_each_answer_is_there_with_its_scores(evaluator: Evaluator) -> None:
    """And with the case."""
    await evaluator.prepare("shown", cases_of(2))

    seen = await evaluator.evaluated(dataset="shown")
    first, second = await evaluator.results(seen["candidate_run"])

    assert (first["case_id"], first["question"], first["answerable"], first["answers"]) == ("c0", "Question 0?", True, ["yes"])
    assert (first["answer"]["text"], first["scores"]) == ("no", {"correct": {"value": 0.0, "evidence": ""}})
    assert second["scores"]["correct"]["value"] == 1.0


async def test_two_variants_are_compared_under_a_gate(evaluator: Evaluator) -> None:
    """Each is a run; the verdict is told to everybody."""
    await evaluator.prepare("d", cases_of(40))

    seen = await evaluator.evaluated(dataset="d", baseline="a", gate="quality", experiment="e", hypothesis="h")

    assert (seen["status"], seen["verdict"], seen["total"], seen["done"]) == ("completed", "PASS", 80, 80)
    assert (seen["comparison"]["gate"], seen["experiment"], seen["hypothesis"]) == ("quality", "e", "h")
    told = evaluator.completed[-1]
    assert (told.verdict, told.candidate and told.candidate.variant.name, told.baseline and told.baseline.variant.name) == (
        "PASS",
        "b",
        "a",
    )


@pytest.mark.parametrize(
    ("fields", "code", "says"),
    [
        ({"dataset": "nowhere"}, "dataset_unknown", "known"),
        ({"candidate": "zzz"}, "variant_unknown", "zzz"),
        ({"baseline": "b@1"}, "eval_same_variant", "b@1"),
        ({"gate": "strict"}, "gate_unknown", "quality"),
        ({"gate": "quality"}, "gate_of_another_dataset", "for d"),
        ({"candidate_run": UUID(int=7)}, "run_unknown", "0007"),
    ],
    ids=["dataset", "variant", "same", "gate", "gate of another", "run"],
)
async def test_what_cannot_be_evaluated_fails_and_says_why(evaluator: Evaluator, fields: Any, code: str, says: str) -> None:
    """It is an outcome, and no dead letter."""
    await evaluator.prepare("known", cases_of(3))

    seen = await evaluator.evaluated(**{"dataset": "known", **fields})

    assert (seen["status"], seen["error_code"]) == ("failed", code)
    assert says in seen["error_message"]
    assert evaluator.completed[-1].status == "failed"


async def test_a_run_of_other_cases_is_no_baseline(evaluator: Evaluator) -> None:
    """Whatever its dataset is called."""
    await evaluator.prepare("older", cases_of(3))
    await evaluator.prepare("newer", cases_of(4))
    older = await evaluator.evaluated(dataset="older")

    seen = await evaluator.evaluated(dataset="newer", baseline_run=older["candidate_run"])

    assert (seen["status"], seen["error_code"]) == ("failed", "baseline_of_another_dataset")


async def test_a_baseline_of_last_week_earns_no_receipt(open_effects: OpenEffects) -> None:
    """The same index has other documents by now."""
    signer = Signer("evaluator", Ed25519PrivateKey.from_private_bytes(bytes(32)))
    evaluator = await open_evaluator(open_effects, ScriptedRag(HALF), Options(gates=[GATE], signer=signer))
    await evaluator.prepare("d", cases_of(4))
    older = (await evaluator.evaluated(dataset="d", candidate="a"))["candidate_run"]
    fresh = await evaluator.evaluated(dataset="d", baseline_run=older, gate="quality")
    await evaluator.effects.pool.execute("UPDATE eval_runs SET completed_at = completed_at - interval '8 days' WHERE run_id = $1", older)

    late = await evaluator.evaluated(dataset="d", baseline_run=older, gate="quality")

    assert [(seen["verdict"], len(seen["receipts"])) for seen in (fresh, late)] == [("PASS", 1), ("PASS", 0)]
    assert fresh["comparison"]["no_receipt"] is None
    assert late["comparison"]["no_receipt"].startswith("no receipt: the runs ended 8 days apart")


async def test_earlier_runs_are_compared_and_nothing_is_asked(evaluator: Evaluator) -> None:
    """At once, in the transaction of the request."""
    await evaluator.prepare("again", cases_of(3))
    runs = [(await evaluator.evaluated(dataset="again", candidate=name))["candidate_run"] for name in ("a", "b")]
    asked = len(evaluator.rag.asked.questions)

    eval_id = await evaluator.request(dataset="again", candidate="b", candidate_run=runs[1], baseline_run=runs[0])
    seen = await evaluator.seen(eval_id)

    assert (seen["status"], seen["candidate_run"], seen["baseline_run"], seen["total"]) == ("completed", runs[1], runs[0], 0)
    assert len(evaluator.rag.asked.questions) == asked


async def test_a_recorded_run_is_a_baseline(evaluator: Evaluator) -> None:
    """What another workbench exported is taken as it is, and said to be recorded."""
    await evaluator.prepare("exported", cases_of(2))
    exported = await evaluator.evaluated(dataset="exported")
    run = await evaluator.record(exported["candidate_run"])
    cases = [{"case_id": f"c{n}", "answerable": True, "text": "yes", "scores": {"correct": 1.0, "rouge_l": None}} for n in range(2)]
    blob = await evaluator.blobs.put(json.dumps({"format": FORMAT, "run": run, "cases": cases}).encode())

    seen = await evaluator.evaluated(dataset="exported", baseline_record=BlobRef(uri=blob.uri, sha256=blob.sha256, bytes=blob.bytes))
    record = await evaluator.record(seen["baseline_run"])

    [correct] = [row for row in seen["comparison"]["metrics"] if row["metric"] == "correct"]
    assert (seen["status"], seen["total"], correct["candidate"]["value"], correct["baseline"]["value"]) == ("completed", 2, 0.5, 1.0)
    assert (record["origin"], record["run_id"]) == ("recorded", str(seen["baseline_run"]))
    assert (await evaluator.results(seen["baseline_run"]))[0]["scores"]["rouge_l"] == {
        "unscored": "it was not scored where it was recorded"
    }


async def test_a_sample_is_the_same_for_the_same_seed(evaluator: Evaluator) -> None:
    """And another for another; the whole is counted as what is asked."""
    await evaluator.prepare("large", cases_of(40))

    seen = [await evaluator.evaluated(dataset="large", max_cases=10, seed=seed) for seed in (1, 1, 2)]
    drawn = [{row["case_id"] for row in await evaluator.results(one["candidate_run"])} for one in seen]

    assert [one["total"] for one in seen] == [10, 10, 10]
    assert drawn[0] == drawn[1] != drawn[2]


async def test_repeats_are_kept_and_their_scores_averaged(open_effects: OpenEffects) -> None:
    """A model that is right two times of three."""
    answers = {"Question 0?": ["yes", "no", "yes"]}
    evaluator = await open_evaluator(open_effects, ScriptedRag(answers), Options(concurrency=1))
    await evaluator.prepare("repeated", cases_of(1))

    seen = await evaluator.evaluated(dataset="repeated", repeats=3)
    record, rows = await evaluator.record(seen["candidate_run"]), await evaluator.results(seen["candidate_run"])

    assert (seen["total"], seen["done"], [row["answer"]["text"] for row in rows]) == (3, 3, ["yes", "no", "yes"])
    assert {one["metric"]: (one["value"], one["n"]) for one in record["metrics"]}["correct"] == (pytest.approx(2 / 3), 1)


async def test_a_budget_is_set_before_anything_is_asked(evaluator: Evaluator) -> None:
    """For each run, on behalf of the tenant."""
    await evaluator.prepare("cheap", cases_of(1))

    seen = await evaluator.evaluated(dataset="cheap", budget_usd=0.5)

    assert (None, "PUT", f"/budgets/run/{seen['candidate_run']}/total", {"usd": 0.5}) in evaluator.rag.asked.sent


async def test_a_leaderboard_ranks_the_newest_run_of_each_variant(evaluator: Evaluator) -> None:
    """Under the dataset's name and content."""
    fingerprint = await evaluator.prepare("ranked", cases_of(4))
    for name in ("a", "b", "b"):
        seen = await evaluator.evaluated(dataset="ranked", candidate=name)

    row = await evaluator.effects.pool.fetchrow("SELECT * FROM v_leaderboards WHERE dataset = 'ranked'")

    assert row["fingerprint"] == fingerprint
    assert {entry["variant"] for entry in row["board"]["entries"]} == {"a@1", "b@1"}
    assert str(seen["candidate_run"]) in {entry["run_id"] for entry in row["board"]["entries"]}


async def test_a_sample_takes_no_fuller_run_off_the_board(open_effects: OpenEffects) -> None:
    """Nor does a newer run that lost its questions."""
    answers = {"Question 0?": ["yes", Refused("prompt_too_long", "shorten it")]}
    evaluator = await open_evaluator(open_effects, ScriptedRag(answers))
    await evaluator.prepare("sampled", cases_of(8))
    full = await evaluator.evaluated(dataset="sampled")
    lossy = await evaluator.evaluated(dataset="sampled")
    sample = await evaluator.evaluated(dataset="sampled", max_cases=4)

    assert ([one["failed"] for one in (full, lossy)], sample["total"]) == ([0, 1], 4)
    assert [entry["run_id"] for entry in await board_of(evaluator, "sampled")] == [str(full["candidate_run"])]


async def test_evaluations_that_end_together_are_all_on_the_board(open_effects: OpenEffects) -> None:
    """Whoever ranks last waits for the others' runs, instead of ranking without them."""
    evaluator = await open_evaluator(open_effects, ScriptedRag(HALF, variants="abcdefgh"))
    await evaluator.prepare("together", cases_of(2))
    for name in "abcdefgh":
        await evaluator.request(dataset="together", candidate=name)

    await asyncio.gather(*(evaluator.hand(shard) for shard in await evaluator.told()))

    assert {entry["variant"] for entry in await board_of(evaluator, "together")} == {f"{name}@1" for name in "abcdefgh"}


async def board_of(evaluator: Evaluator, dataset: str) -> list[dict[str, Any]]:
    """The entries of its leaderboard."""
    board: dict[str, Any] = await evaluator.effects.pool.fetchval("SELECT board FROM v_leaderboards WHERE dataset = $1", dataset)
    return list(board["entries"])


async def test_nobody_takes_the_evaluation_of_another(evaluator: Evaluator) -> None:
    """An id is one tenant's: this is an event that nobody can make sense of."""
    await evaluator.prepare("own", cases_of(1))
    eval_id = await evaluator.request(dataset="own")

    with pytest.raises(Permanent) as raised:
        await evaluator.hand(received(EvalRequestedV1(eval_id=eval_id, dataset="own", candidate="b"), tenant_id="other"))

    assert raised.value.code == "eval_id_taken"


async def test_candidate_and_baseline_take_turns_in_going_first(evaluator: Evaluator) -> None:
    """Who is asked second finds a question's vector remembered: neither may be the quicker one for that."""
    await evaluator.prepare("turns", cases_of(12))

    eval_id = await evaluator.request(dataset="turns", baseline="a")
    told = [event.data for event in await evaluator.told() if getattr(event.data, "eval_id", None) == eval_id]
    candidate = (await evaluator.seen(eval_id))["candidate_run"]

    assert [("b" if shard.run_id == candidate else "a", shard.first) for shard in told] == [
        *[("b", 0), ("a", 0)],
        *[("a", 4), ("b", 4)],
        *[("b", 8), ("a", 8)],
    ]


async def test_a_cancellation_waits_but_briefly_for_who_sums_up(evaluator: Evaluator) -> None:
    """Those behind it must not wait for a minute: it is handed in again, as anything that met a lock."""
    await evaluator.prepare("judged", cases_of(4))
    eval_id = await evaluator.request(dataset="judged")

    async with evaluator.effects.pool.acquire() as other, other.transaction():
        await other.execute("SELECT FROM evals WHERE eval_id = $1 FOR UPDATE", eval_id)
        with pytest.raises(asyncpg.LockNotAvailableError):
            await evaluator.cancel(eval_id)
    await evaluator.cancel(eval_id)

    assert (await evaluator.seen(eval_id))["status"] == "cancelled"
