"""The cache goes away while questions are asked: it costs time, never an answer. No other service uses it."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.brokers.broker import LocalBroker
from tests.chaos.harness.answers import Answers, Cache, answering, running_cache
from tests.chaos.harness.world import Database

pytestmark = pytest.mark.usefixtures("asked_for")

LEAVE = "Every employee has 28 days of paid leave a year. Unused leave expires in March of the next year."
CAR = "The company car is blue and parks in row seven of the garage."


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    """A cache to stop and start."""
    with running_cache(tmp_path / "cache") as running:
        yield running


async def ask(answers: Answers, *questions: str) -> list[dict[str, Any]]:
    """The answers, one after another."""
    return [await answers.ask(question) for question in questions]


async def test_questions_are_answered_and_documents_indexed_while_the_cache_is_away(
    fresh_tansu: LocalBroker, postgres: Database, cache: Cache, tmp_path: Path
) -> None:
    """Stopped, killed, and back again."""
    async with answering(fresh_tansu, postgres, cache, tmp_path / "world") as answers:
        await answers.upload("Leave", LEAVE)
        given = await ask(answers, "How many days of paid leave are there?")
        await asyncio.to_thread(cache.server.stop)
        given += await ask(answers, "When does unused leave expire?", "How many days of paid leave are there?")
        await answers.upload("Car", CAR)
        given += await ask(answers, "Where does the company car park?")
        await asyncio.to_thread(cache.server.start)
        given += await ask(answers, "What colour is the company car?")
        await asyncio.to_thread(cache.server.kill)
        given += await ask(answers, "In which row is the company car?")

    assert [(answer["abstained"], len(answer["citations"])) for answer in given] == [(False, 1)] * 6


async def test_no_question_of_many_fails_when_the_cache_stops_in_between(
    fresh_tansu: LocalBroker, postgres: Database, cache: Cache, tmp_path: Path
) -> None:
    """Eight clients ask without a pause, some of them what is remembered."""
    given: list[dict[str, Any]] = []

    async def client(answers: Answers) -> None:
        while len(given) < 120:
            given.append(await answers.ask(f"How many days of paid leave are there in year {len(given) % 40}?"))

    async with answering(fresh_tansu, postgres, cache, tmp_path / "world") as answers, asyncio.TaskGroup() as clients:
        await answers.upload("Leave", LEAVE)
        asking = [clients.create_task(client(answers)) for _ in range(8)]
        while len(given) < 60:
            await asyncio.sleep(0.01)
        remembered = sum(answer["cached"] for answer in given)
        await asyncio.to_thread(cache.server.stop)
        await asyncio.wait(asking)

    assert remembered > 0
    assert {(answer["abstained"], len(answer["citations"])) for answer in given} == {(False, 1)}


async def test_questions_are_answered_while_the_cache_stands_still(
    fresh_tansu: LocalBroker, postgres: Database, cache: Cache, tmp_path: Path
) -> None:
    """It takes connections and says nothing."""
    async with answering(fresh_tansu, postgres, cache, tmp_path / "world") as answers:
        await answers.upload("Leave", LEAVE)
        async with cache.silent():
            [given] = await ask(answers, "When does unused leave expire?")

    assert not given["abstained"]
