"""Rounds: what many want of the database at once is one question, which never begins before they came."""

import asyncio
from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs

from kit.rounds import Rounds


class Database:
    """Answers with what it held when the question began, once it is let go."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.value = 0
        self.free = asyncio.Event()
        self.fails = False

    async def ask(self, items: Sequence[str]) -> int:
        """The value, a moment later."""
        self.asked.append([*items])
        value = self.value
        await self.free.wait()
        if self.fails:
            raise OSError("away")
        return value


@pytest.fixture
def database() -> Database:
    """One that waits to be let go."""
    return Database()


async def begun(rounds: Rounds[str, int], *items: str) -> list["asyncio.Task[int]"]:
    """A caller for each item, all of them waiting."""
    calls = [asyncio.create_task(rounds.join([item])) for item in items]
    for _ in range(5):
        await asyncio.sleep(0)
    return calls


async def test_who_comes_while_a_question_is_under_way_shares_the_next(database: Database) -> None:
    """The first asks alone, for it waits for nobody."""
    rounds = Rounds(database.ask)
    first = await begun(rounds, "a")
    others = await begun(rounds, "b", "c", "d")

    database.free.set()
    await asyncio.gather(*first, *others)

    assert database.asked == [["a"], ["b", "c", "d"]]


async def test_nobody_is_given_what_was_read_before_it_came(database: Database) -> None:
    """A delete that was acknowledged before a request began is seen by that request."""
    rounds = Rounds(database.ask)
    [early] = await begun(rounds, "a")
    database.value = 1
    [late] = await begun(rounds, "a")

    database.free.set()

    assert (await early, await late) == (0, 1)


async def test_a_caller_that_leaves_stops_nothing(database: Database) -> None:
    """Neither the question under way nor the next."""
    rounds = Rounds(database.ask)
    [first, second] = await begun(rounds, "a", "b")
    [third] = await begun(rounds, "c")

    first.cancel()
    database.free.set()

    assert (await second, await third) == (0, 0)


async def test_a_failure_is_that_rounds_alone(database: Database) -> None:
    """The next question is asked as if nothing had been."""
    rounds = Rounds(database.ask)
    failed = await begun(rounds, "a", "b")
    database.fails = True
    database.free.set()
    assert [type(found) for found in await asyncio.gather(*failed, return_exceptions=True)] == [OSError, OSError]

    database.fails = False

    assert await rounds.join(["c"]) == 0


async def test_a_failure_is_told_though_all_who_asked_have_left(database: Database) -> None:
    """Nobody else would ever hear of it."""
    rounds = Rounds(database.ask)
    [gone] = await begun(rounds, "a")
    gone.cancel()
    database.fails = True

    with capture_logs() as logs:
        database.free.set()
        for _ in range(5):
            await asyncio.sleep(0)

    assert logs == [{"event": "round.failed", "log_level": "warning", "reason": "away"}]
