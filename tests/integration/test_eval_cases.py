"""The cases of an evaluation as rag shows them: each became what evaluator counted it as."""

from collections import Counter
from typing import Any
from uuid import UUID

import pytest

from kit.datasets.case import Case
from services.evaluator.rag import Refused
from services.rag.eval_store import CasePage, EvalStore, Telling
from services.rag.store import Store
from tests.bench.evaluator import cases_of
from tests.integration.conftest import OpenEffects
from tests.integration.evaluations import TENANT, Evaluator, open_evaluator
from tests.unit.evaluator.rags import ScriptedRag

LOST = Refused("prompt_too_long", "shorten it")
# What the first run says to each question, then the second.
ANSWERS: list[list[Any]] = [["no", "yes"], ["yes", "no"], ["no", LOST], [LOST, "no"], [LOST, LOST], ["no", "never"], ["yes", "yes"]]
BECAME = ["fixed", "broken", "broken", "fixed", "same", "changed", "same"]


@pytest.fixture
async def evaluator(open_effects: OpenEffects) -> Evaluator:
    """One whose rag says something else to the second run."""
    return await open_evaluator(open_effects, ScriptedRag({f"Question {n}?": list(said) for n, said in enumerate(ANSWERS)}))


async def compared(evaluator: Evaluator, name: str, cases: list[Case]) -> dict[str, Any]:
    """The evaluation that compares the second run with the first."""
    await evaluator.prepare(name, cases)
    older = await evaluator.evaluated(dataset=name, candidate="a")
    return await evaluator.evaluated(dataset=name, candidate="b", baseline_run=older["candidate_run"])


async def shown(evaluator: Evaluator, runs: tuple[UUID, UUID], by: Telling, change: str | None = None) -> list[Any]:
    """The cases as rag reads them."""
    return await EvalStore(Store(evaluator.admin)).cases(TENANT, runs, by, CasePage(change))


async def test_a_case_became_what_the_comparison_counts_it_as(evaluator: Evaluator) -> None:
    """A question without an answer is worse than any answer: those that were lost are what somebody looks for first."""
    seen = await compared(evaluator, "lost", cases_of(len(ANSWERS)))
    runs, told = (seen["candidate_run"], seen["baseline_run"]), seen["comparison"]

    rows = await shown(evaluator, runs, Telling(told["primary_score"], told["higher_is_better"]))
    broken = await shown(evaluator, runs, Telling("correct"), "broken")

    assert [row["change"] for row in rows] == BECAME
    assert dict(Counter(BECAME)) == told["cases"]
    assert [row["ordinal"] for row in broken] == [1, 2]
    assert [(row["score"], row["baseline_score"]) for row in rows[1:4]] == [(0, 1), (None, 0), (0, None)]


async def test_of_some_scores_less_is_better(evaluator: Evaluator) -> None:
    """Dearer is not fixed; lost is broken all the same."""
    seen = await compared(evaluator, "cheaper", cases_of(len(ANSWERS)))

    rows = await shown(evaluator, (seen["candidate_run"], seen["baseline_run"]), Telling("correct", higher_is_better=False))

    assert [row["change"] for row in rows] == ["broken", "fixed", *BECAME[2:]]


async def test_an_exported_answer_has_the_values_of_its_scores(evaluator: Evaluator) -> None:
    """Evidence stays; what got no answer has none."""
    await evaluator.prepare("exported", cases_of(4))
    seen = await evaluator.evaluated(dataset="exported")

    answers = await EvalStore(Store(evaluator.admin)).answers(TENANT, seen["candidate_run"])

    assert [(row["text"], row["scores"]) for row in answers[:3]] == [
        ("no", {"correct": 0}),
        ("yes", {"correct": 1}),
        ("no", {"correct": 0}),
    ]
    assert (answers[3]["text"], answers[3]["scores"], answers[3]["error"]) == (None, {}, "shorten it")
