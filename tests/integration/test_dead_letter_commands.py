"""`workbench dlq` and `workbench topics` as a script sees them, on the embedded broker."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from contextlib import chdir
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from contracts.evals import EvalRequestedV1
from contracts.topics import EVAL_REQUESTED
from kit.broker import open_publisher
from kit.errors import Permanent
from kit.route import Route
from kit.settings import KafkaSettings
from kit.topics import create_topics
from tests.brokers.tansu import running_tansu
from tests.events import NOW, consumed, record_of
from workbench.cli import main

ROUTE = Route(EVAL_REQUESTED, "evaluator")
DLQ = ROUTE.dead_letters

Run = Callable[..., tuple[int | str | None, Any]]


async def fill(kafka: KafkaSettings) -> None:
    """Two dead letters of one cause and one of another."""
    await create_topics(kafka.bootstrap_servers)
    async with open_publisher(kafka, "test") as publisher:
        for code in ("too_odd", "too_odd", "data_invalid"):
            sent = consumed(record_of(EvalRequestedV1(eval_id=uuid4(), dataset="d", candidate="c")))
            headers = ROUTE.forwarded(sent, Permanent(code, "change it"), 1, NOW)
            await publisher.forward(DLQ, sent, headers)


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Runs a command with --json on a broker with dead letters; gives its exit code and what it printed."""
    with running_tansu(tmp_path) as broker, chdir(tmp_path):
        asyncio.run(fill(broker.settings()))

        def run(*arguments: str) -> tuple[int | str | None, Any]:
            with pytest.raises(SystemExit) as left:
                main([*arguments, "--json", "--kafka", broker.bootstrap_servers])
            printed = capsys.readouterr().out
            return left.value.code, json.loads(printed) if printed else None

        yield run


def records_of(run: Run, topic: str) -> int:
    """How many records a topic holds."""
    code, told = run("topics")
    assert code == 0
    return {item["topic"]: int(item["records"]) for item in told["topics"]}[topic]


def test_dead_letters_are_counted_and_shown(run: Run) -> None:
    """By code; one of them in full."""
    code, listed = run("dlq", "list", DLQ)
    _, shown = run("dlq", "show", DLQ, listed["records"][0]["record"])

    assert code == 0
    assert {(count["code"], count["open"]) for count in listed["counts"]} == {("too_odd", 2), ("data_invalid", 1)}
    assert run("dlq", "list")[1] == {"counts": listed["counts"]}
    assert shown["value"]["json"]["dataset"] == "d"
    assert (shown["why"]["x-source-topic"], shown["settled"]) == ("eval.requested", None)
    assert {"name": "ce_source", "value": {"text": "test"}} in shown["headers"]


def test_a_dry_run_sends_and_marks_nothing(run: Run) -> None:
    """It says what would be sent."""
    before = run("dlq", "list", DLQ)

    code, told = run("dlq", "replay", DLQ, "--all", "--dry-run")

    assert (code, told["dry_run"], told["count"]) == (0, True, 3)
    assert run("dlq", "list", DLQ) == before
    assert records_of(run, "eval.requested") == 0


def test_a_replay_by_reason_sends_those_alone_and_only_once(run: Run) -> None:
    """A second one finds nothing to do, which is no failure."""
    first = run("dlq", "replay", DLQ, "--reason", "too_odd", "--yes")
    second = run("dlq", "replay", DLQ, "--reason", "too_odd", "--yes")

    assert (first[0], first[1]["count"]) == (0, 2)
    assert (second[0], second[1]["count"]) == (0, 0)
    assert records_of(run, "eval.requested") == 2
    lags = {lag["topic"]: (lag["lag"], lag["waiting"]) for lag in run("topics", "lag", "--group", "evaluator")[1]["lag"]}
    assert lags == {"eval.requested": (2, 0), "eval.shards": (0, 0)}


def test_a_rate_is_a_cap(run: Run) -> None:
    """Three at four a second take half a second."""
    began = time.monotonic()

    run("dlq", "replay", DLQ, "--all", "--yes", "--rate", "4")

    assert time.monotonic() - began >= 0.5


def test_a_drop_is_remembered_with_its_reason(run: Run) -> None:
    """A replay of that one is refused, until it is asked for again."""
    place = run("dlq", "list", DLQ)[1]["records"][0]["record"]

    code, _ = run("dlq", "drop", DLQ, "--record", place, "--because", "sent by mistake")

    assert code == 0
    assert run("dlq", "show", DLQ, place)[1]["settled"]["because"] == "sent by mistake"
    assert run("dlq", "replay", DLQ, "--record", place, "--yes")[0] == 1
    assert run("dlq", "replay", DLQ, "--record", place, "--yes", "--again")[1]["records"] == [place]


def test_a_topic_is_described(run: Run) -> None:
    """With the positions of its reader."""
    code, told = run("topics", "describe", "eval.requested")

    assert code == 0
    assert (told["owner"], told["partitions"], told["partitions_at_broker"], told["retention_s"]) == ("rag", 3, 3, 30 * 86_400)
    assert [position["committed"] for position in told["lag"][0]["positions"]] == [None] * 3


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("dlq", "replay", DLQ, "--yes"), 2),
        (("dlq", "replay", DLQ, "--yes", "--all", "--reason", "x"), 2),
        (("dlq", "replay", DLQ, "--all"), 2),
        (("dlq", "replay", "no.such.topic", "--all", "--yes"), 2),
        (("dlq", "drop", DLQ, "--all"), 2),
        (("dlq", "drop", DLQ, "--all", "--because", " "), 2),
        (("dlq", "show", DLQ, "7"), 2),
        (("dlq", "show", DLQ, "0/999"), 1),
        (("dlq", "replay", DLQ, "--reason", "no_such_code", "--yes"), 1),
        (("topics", "describe", "no.such.topic"), 2),
        (("topics", "lag", "--group", "nobody"), 2),
    ],
)
def test_a_wrong_command_prints_nothing_and_exits_with_its_code(run: Run, arguments: tuple[str, ...], code: int) -> None:
    """2 for wrong usage, 1 for what is not there."""
    assert run(*arguments) == (code, None)
