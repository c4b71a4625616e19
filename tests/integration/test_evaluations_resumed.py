"""Evaluations that are interrupted: by a rag that goes away, by time, by whoever does not want them, by lost records."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest

from kit.clock import FakeClock
from kit.errors import DependencyDown, Permanent, Transient
from services.evaluator.answered import Answered
from services.evaluator.rag import Refused
from tests.bench.evaluator import cases_of
from tests.integration.conftest import OpenEffects
from tests.integration.evaluations import Evaluator, Options, open_evaluator
from tests.unit.evaluator.rags import ScriptedRag


@dataclass(frozen=True)
class SlowRag(ScriptedRag):
    """Every answer takes ten seconds of the clock."""

    clock: FakeClock = field(default_factory=FakeClock)

    async def ask(self, question: str, variant: Any) -> Answered:
        """Takes its time."""
        await self.clock.sleep(10)
        return await super().ask(question, variant)


async def opened(open_effects: OpenEffects, answers: Mapping[str, Any], **options: Any) -> Evaluator:
    """An evaluator over that rag, with a dataset of 12 cases."""
    evaluator = await open_evaluator(open_effects, ScriptedRag(answers), Options(**options))
    await evaluator.prepare("twelve", cases_of(12))
    return evaluator


async def test_no_more_are_asked_at_once_than_is_allowed(open_effects: OpenEffects) -> None:
    """And as many as are allowed."""
    evaluator = await opened(open_effects, {}, concurrency=3, shard_cases=12)

    await evaluator.evaluated(dataset="twelve")

    assert evaluator.rag.asked.most_at_once == 3


async def test_a_rag_that_goes_away_holds_the_shard_and_loses_nothing(open_effects: OpenEffects) -> None:
    """What was answered before stays, and is not asked again."""
    evaluator = await opened(open_effects, {"Question 6?": [DependencyDown("rag_down", "away"), "yes"]}, concurrency=1, shard_cases=12)
    eval_id = await evaluator.request(dataset="twelve")
    [shard] = await evaluator.told()

    with pytest.raises(DependencyDown):
        await evaluator.hand(shard)
    between = await evaluator.seen(eval_id)
    await evaluator.settle()
    seen = await evaluator.seen(eval_id)

    assert (between["status"], between["done"], between["total"]) == ("running", 6, 12)
    assert (seen["status"], seen["done"], seen["failed"]) == ("completed", 12, 0)
    assert len(evaluator.rag.asked.questions) == 13


async def test_what_a_message_has_no_time_for_is_told_again(open_effects: OpenEffects) -> None:
    """Nothing is asked twice, and each message ends in time."""
    clock = FakeClock()
    evaluator = await open_evaluator(open_effects, SlowRag(clock=clock), Options(concurrency=1, shard_cases=12, shard_s=35, clock=clock))
    await evaluator.prepare("twelve", cases_of(12))
    eval_id = await evaluator.request(dataset="twelve")

    done = []
    while await evaluator.step():
        done.append((await evaluator.seen(eval_id))["done"])

    assert done == [4, 8, 12]
    assert (await evaluator.seen(eval_id))["status"] == "completed"
    assert len(evaluator.rag.asked.questions) == 12


async def test_a_shard_that_is_delivered_twice_is_asked_once(open_effects: OpenEffects) -> None:
    """Also if the second delivery overlaps the first."""
    evaluator = await opened(open_effects, {}, shard_cases=12)
    eval_id = await evaluator.request(dataset="twelve")
    [shard] = await evaluator.told()

    await asyncio.gather(evaluator.hand(shard), evaluator.hand(shard))
    await evaluator.hand(shard)

    seen = await evaluator.seen(eval_id)
    assert (seen["status"], seen["done"]) == ("completed", 12)
    assert [event.status for event in await evaluator.ended()] == ["completed"]


async def test_a_few_shards_are_told_at_once_and_the_rest_as_they_are_done(open_effects: OpenEffects) -> None:
    """So that a small evaluation does not wait for all of a large one."""
    evaluator = await opened(open_effects, {}, shard_cases=1)
    await evaluator.request(dataset="twelve")

    waiting = len(await evaluator.told())
    await evaluator.step()

    assert (waiting, len(await evaluator.told())) == (6, 6)
    await evaluator.settle()


async def test_a_cancelled_evaluation_stops_at_once(open_effects: OpenEffects) -> None:
    """While answers are under way; what was measured is kept, and later shards ask nothing."""
    evaluator = await open_evaluator(open_effects, ScriptedRag(slow=asyncio.Event()), Options(shard_cases=6))
    await evaluator.prepare("twelve", cases_of(12))
    eval_id = await evaluator.request(dataset="twelve")
    first, *rest = list(await evaluator.told())
    asking = asyncio.create_task(evaluator.hand(first))
    await asyncio.sleep(0.2)

    await evaluator.cancel(eval_id)
    await asyncio.wait_for(asking, 5)
    for shard in rest:
        await evaluator.hand(shard)

    seen = await evaluator.seen(eval_id)
    assert (seen["status"], seen["done"], seen["reason"]) == ("cancelled", 0, "not needed")
    assert len(evaluator.rag.asked.questions) == 3
    assert [event.status for event in await evaluator.ended()] == ["cancelled"]


async def test_cancelling_what_has_ended_changes_nothing(open_effects: OpenEffects) -> None:
    """It is too late."""
    evaluator = await opened(open_effects, {})
    seen = await evaluator.evaluated(dataset="twelve")

    await evaluator.cancel(seen["eval_id"])

    assert (await evaluator.seen(seen["eval_id"]))["status"] == "completed"


async def test_questions_without_an_answer_are_counted_and_score_nothing(open_effects: OpenEffects) -> None:
    """The mean is of those that were answered."""
    answers = {"Question 1?": Refused("prompt_too_long", "shorten it"), **{f"Question {n}?": "yes" for n in range(12) if n != 1}}
    evaluator = await opened(open_effects, answers)

    seen = await evaluator.evaluated(dataset="twelve")
    record = await evaluator.record(seen["candidate_run"])
    rows = {row["case_id"]: row for row in await evaluator.results(seen["candidate_run"])}

    assert (seen["status"], seen["done"], seen["failed"], record["errors"]) == ("completed", 12, 1, 1)
    assert (rows["c1"]["answer"], rows["c1"]["scores"], rows["c1"]["error"]) == (None, {}, "shorten it")
    assert {one["metric"]: (one["value"], one["n"], one["unscored"]) for one in record["metrics"]}["correct"] == (1.0, 11, 1)


async def test_a_budget_that_is_spent_ends_the_evaluation_and_keeps_what_is_measured(open_effects: OpenEffects) -> None:
    """The questions that it had no room for have no score."""
    spent = Refused("budget_spent", "nothing is left")
    evaluator = await opened(open_effects, {f"Question {n}?": spent for n in range(8, 12)})

    seen = await evaluator.evaluated(dataset="twelve", budget_usd=1.0)
    record = await evaluator.record(seen["candidate_run"])

    assert (seen["status"], seen["error_code"], seen["done"], seen["failed"]) == ("failed", "budget_spent", 12, 4)
    assert record["metrics"] != []
    assert seen["comparison"] is None


async def test_a_key_that_rag_refuses_fails_the_evaluation(open_effects: OpenEffects) -> None:
    """No case could be asked: a dozen errors would say the same less clearly."""
    evaluator = await opened(open_effects, {"Question 0?": Permanent("rag_key_refused", "set EVALUATOR_RAG__API_KEY")})

    seen = await evaluator.evaluated(dataset="twelve")

    assert (seen["status"], seen["error_code"]) == ("failed", "rag_key_refused")
    assert evaluator.refused == ["rag_key_refused"]


async def test_lost_records_are_told_again(open_effects: OpenEffects) -> None:
    """A broker that forgets costs time and no evaluation."""
    evaluator = await opened(open_effects, {}, shard_cases=6)
    eval_id = await evaluator.request(dataset="twelve")
    assert len(await evaluator.told()) == 2
    evaluator.waiting.clear()

    requeued = [await evaluator.store.requeue(age_s) for age_s in (600, 0)]
    await evaluator.settle()

    assert requeued == [0, 2]
    assert (await evaluator.seen(eval_id))["status"] == "completed"


async def test_a_request_whose_plan_was_interrupted_is_told_again(open_effects: OpenEffects) -> None:
    """It was kept before anything else."""
    evaluator = await open_evaluator(open_effects, ScriptedRag({}, variants=AwayOnce()), Options())
    await evaluator.prepare("twelve", cases_of(12))
    with suppress(DependencyDown):
        await evaluator.request(dataset="twelve")
    [eval_id] = [row["eval_id"] for row in await evaluator.effects.pool.fetch("SELECT eval_id FROM evals WHERE status = 'requested'")]

    assert await evaluator.store.requeue(0) == 1
    await evaluator.settle()

    assert (await evaluator.seen(eval_id))["status"] == "completed"


async def test_a_case_that_fails_in_passing_leaves_no_trace(open_effects: OpenEffects) -> None:
    """It is asked again a little later, by the same message."""
    evaluator = await opened(open_effects, {"Question 3?": [Transient("rag_failed", "again"), "yes"]})

    seen = await evaluator.evaluated(dataset="twelve")

    assert (seen["status"], seen["failed"]) == ("completed", 0)


class AwayOnce(tuple[str, ...]):
    """The variants of a rag that is away when it is first asked for one."""

    asked = 0

    def __contains__(self, name: object) -> bool:
        self.__class__.asked += 1
        if self.__class__.asked == 1:
            raise DependencyDown("rag_down", "away")
        return True
