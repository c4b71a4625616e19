"""Questions without an answer: counted by their repeats, and a run that could not pay for some is compared with nothing."""

from services.evaluator.gate import Gate
from services.evaluator.rag import Refused
from tests.bench.evaluator import cases_of
from tests.integration.conftest import OpenEffects
from tests.integration.evaluations import Options, open_evaluator
from tests.unit.evaluator.rags import ScriptedRag

RULE = {"metric": "correct", "rule": "at_least", "bound": 0.1}
GATE = Gate.model_validate({"name": "quality", "description": "some are right", "min_cases": 2, "rules": [RULE]})


async def test_repeats_without_an_answer_are_counted_though_others_have_one(open_effects: OpenEffects) -> None:
    """Three of four fail, and the fourth is right."""
    lost = Refused("query_too_long", "shorten it")
    answers = {f"Question {n}?": [lost, lost, lost, "yes"] for n in range(3)}
    evaluator = await open_evaluator(open_effects, ScriptedRag(answers), Options(concurrency=1, gates=[GATE]))
    await evaluator.prepare("repeated", cases_of(3))

    seen = await evaluator.evaluated(dataset="repeated", repeats=4, gate="quality")

    assert (seen["status"], seen["done"], seen["failed"], seen["verdict"]) == ("completed", 12, 9, "FAIL")
    assert seen["reason"].startswith("2.2 of the candidate's 3 questions got no answer")


async def test_a_run_that_could_not_pay_for_all_questions_is_no_baseline(open_effects: OpenEffects) -> None:
    """It has ended, and what was measured is kept."""
    spent = Refused("budget_spent", "nothing is left")
    evaluator = await open_evaluator(open_effects, ScriptedRag({f"Question {n}?": spent for n in (1, 2)}), Options())
    await evaluator.prepare("dear", cases_of(4))
    failed = await evaluator.evaluated(dataset="dear", budget_usd=1.0)

    seen = await evaluator.evaluated(dataset="dear", candidate="a", baseline_run=failed["candidate_run"])

    assert (failed["error_code"], seen["status"], seen["error_code"]) == ("budget_spent", "failed", "run_unpaid")
    assert "had no budget for 2 of its questions" in seen["error_message"]
