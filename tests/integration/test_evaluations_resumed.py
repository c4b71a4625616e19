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
class LostRag(ScriptedRag):
    """It goes away at the first question, when two others are under way."""

    gone: asyncio.Event = field(default_factory=asyncio.Event)

    async def ask(self, question: str, variant: Any) -> Answered:
        """The others' answers come later."""
        if question == "Question 0?":
            while self.asked.at_once < 2:
                await asyncio.sleep(0.01)
            self.gone.set()
            raise DependencyDown("rag_down", "away")
        return await super().ask(question, variant)


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
    """So that a small evaluation does not wait for all of a large one, whose shards have four times as many cases and no more."""
    evaluator = await opened(open_effects, {}, shard_cases=1)
    await evaluator.prepare("forty", cases_of(40))
    await evaluator.request(dataset="forty")

    assert [event.data.last - event.data.first for event in await evaluator.told()] == [4] * 6
    await evaluator.step()

    assert len(await evaluator.told()) == 6
    await evaluator.settle()


async def test_a_cancelled_evaluation_stops_at_once(open_effects: OpenEffects) -> None:
    """While answers are under way; what was measured is kept, and later shards ask nothing."""
    evaluator = await open_evaluator(open_effects, ScriptedRag(slow=asyncio.Event()), Options(shard_cases=6))
    await evaluator.prepare("twelve", cases_of(12))
    eval_id = await evaluator.request(dataset="twelve")
    first, *rest = list(await evaluator.told())
    asking = asyncio.create_task(evaluator.hand(first))
    async with asyncio.timeout(60):
        while evaluator.rag.asked.at_once < 3:
            await asyncio.sleep(0.01)

    await evaluator.cancel(eval_id)
    await asyncio.wait_for(asking, 60)
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

    requeued = [await evaluator.store.requeue(age_s) for age_s in (0, 600)]
    await evaluator.settle()

    assert requeued == [1, 0]
    assert (await evaluator.seen(eval_id))["status"] == "completed"


async def test_a_request_that_waits_is_told_again_no_sooner_than_it_should(open_effects: OpenEffects) -> None:
    """However long ago it was asked for, and however many replicas look."""
    evaluator = await open_evaluator(open_effects, ScriptedRag({}, variants=AwayOnce()), Options())
    await evaluator.prepare("twelve", cases_of(12))
    with suppress(DependencyDown):
        await evaluator.request(dataset="twelve")
    await evaluator.effects.pool.execute("UPDATE evals SET requested_at = now() - interval '1 hour', told_at = now() - interval '1 hour'")

    requeued = [await evaluator.store.requeue(600) for _ in range(2)]
    await evaluator.settle()

    assert requeued == [1, 0]


async def test_answers_that_are_under_way_when_rag_goes_away_are_kept(open_effects: OpenEffects) -> None:
    """They are paid; nothing more is asked."""
    slow, gone = asyncio.Event(), asyncio.Event()
    evaluator = await open_evaluator(open_effects, LostRag(slow=slow, gone=gone), Options(concurrency=3, shard_cases=12))
    await evaluator.prepare("twelve", cases_of(12))
    eval_id = await evaluator.request(dataset="twelve")
    [shard] = await evaluator.told()

    asking = asyncio.create_task(evaluator.hand(shard))
    await asyncio.wait_for(gone.wait(), 60)
    await asyncio.sleep(0.05)
    slow.set()
    with pytest.raises(DependencyDown):
        await asking

    assert (await evaluator.seen(eval_id))["done"] == 2
    assert len(evaluator.rag.asked.questions) == 2


async def test_what_a_text_cannot_have_costs_no_answer(open_effects: OpenEffects) -> None:
    """A model may write anything; it is kept with the character replaced."""
    evaluator = await opened(open_effects, {"Question 3?": "yes\x00, \ud800", "Question 4?": Refused("odd", "not\x00so")})

    seen = await evaluator.evaluated(dataset="twelve")
    rows = {row["case_id"]: row for row in await evaluator.results(seen["candidate_run"])}

    assert (seen["status"], seen["failed"]) == ("completed", 1)
    assert (rows["c3"]["answer"]["text"], rows["c4"]["error"]) == ("yes\ufffd, \ufffd", "not\ufffdso")


async def test_a_run_that_cannot_be_summed_up_ends_as_failed(open_effects: OpenEffects, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an outcome with its reason, and no dead letter that nobody sees."""
    evaluator = await opened(open_effects, {})

    def refuse(*_: object) -> None:
        raise Permanent("figures_impossible", "measure it anew")

    monkeypatch.setattr("services.evaluator.finish.summarise", refuse)

    seen = await evaluator.evaluated(dataset="twelve")

    assert (seen["status"], seen["error_code"], evaluator.refused[:1]) == ("failed", "figures_impossible", ["figures_impossible"])


async def test_a_case_that_fails_in_passing_leaves_no_trace(open_effects: OpenEffects) -> None:
    """It is asked again a little later, by the same message."""
    evaluator = await opened(open_effects, {"Question 3?": [Transient("rag_failed", "again"), "yes"]})

    seen = await evaluator.evaluated(dataset="twelve")

    assert (seen["status"], seen["failed"]) == ("completed", 0)


class AwayOnce(tuple[str, ...]):
    """The variants of a rag that is away when it is first asked for one."""

    def __init__(self) -> None:
        self.asked = 0

    def __contains__(self, name: object) -> bool:
        self.asked += 1
        if self.asked == 1:
            raise DependencyDown("rag_down", "away")
        return True
