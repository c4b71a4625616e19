"""The long stories: `python -m tests.chaos [--broker kafka|tansu] [--seed N] [--json]`. Exits with 1 if an invariant was violated."""

import argparse
import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from kit.failpoints import Place
from tests.brokers.broker import LocalBroker
from tests.brokers.kafka import running_kafka
from tests.brokers.tansu import running_tansu
from tests.chaos.harness.faults import Fault
from tests.chaos.harness.faults.broker import BrokerAway
from tests.chaos.harness.faults.kill9 import Kill9, Kill9InDrain
from tests.chaos.harness.faults.postgres import BackendsTerminated, PostgresAway
from tests.chaos.harness.faults.scale import Scale
from tests.chaos.harness.faults.sigterm import Sigterm
from tests.chaos.harness.faults.zombie import Zombie
from tests.chaos.harness.report import Report
from tests.chaos.harness.story import Story
from tests.chaos.harness.summary import Summary
from tests.chaos.harness.workloads import EVALUATOR, FEEDBACK, INDEXER
from tests.chaos.harness.world import running_database
from tests.requirements import JAVA, java_version, kafka_jars

IN_A_TRANSACTION = (Place.AFTER_EFFECT, Place.BEFORE_COMMIT, Place.AFTER_COMMIT)


def stories(durable: bool, seed: int) -> Iterator[Story]:
    """At least 10,000 events and 20 kills; the broker goes away only if it is `durable`."""
    chance = Random(seed)
    away: list[Fault] = [BrokerAway(), BrokerAway(killed=True)] if durable else []
    kills = [Kill9(place, chance.randint(250, 400)) for place in IN_A_TRANSACTION * 4]
    moved: list[Fault] = [Kill9InDrain(), Kill9InDrain(), Sigterm(), Scale(4), Zombie()]
    yield Story(EVALUATOR, [*kills, *moved, BackendsTerminated(), PostgresAway(), *away], events=7_500, rate=50, seed=seed)
    told = [Kill9(place, chance.randint(50, 90)) for place in (Place.MID_RELAY, *IN_A_TRANSACTION) * 2]
    hurt: list[Fault] = [BackendsTerminated(), PostgresAway(killed=True), *away]
    yield Story(INDEXER, [*told, Sigterm(), Zombie(), *hurt], events=1_000, rate=8, seed=seed)
    opinions = [Kill9(place, chance.randint(250, 400)) for place in IN_A_TRANSACTION]
    yield Story(FEEDBACK, [*opinions, Sigterm(), Scale(2, times=2), PostgresAway(killed=True)], events=2_500, rate=70, seed=seed)


def play(kafka: bool, seed: int, folder: Path) -> list[Report]:
    """Plays all stories on one broker and one database."""
    (folder / "broker").mkdir()
    broker: AbstractContextManager[LocalBroker] = (
        running_kafka(folder / "broker", kafka_jars()) if kafka else running_tansu(folder / "broker")
    )
    with running_database(folder) as database, broker as running:
        return [asyncio.run(story.play(running, database, folder / story.workload.service)) for story in stories(durable=kafka, seed=seed)]


def main(arguments: Sequence[str]) -> int:
    """The exit status."""
    has_kafka = java_version() >= JAVA and (kafka_jars() / ".ready").exists()
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--broker", choices=["kafka", "tansu"], default="kafka" if has_kafka else "tansu")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(arguments)
    with TemporaryDirectory(prefix="chaos-") as folder:
        summary = Summary(play(chosen.broker == "kafka", chosen.seed, Path(folder)))
    print(json.dumps(summary.as_json(), indent=2, default=str) if chosen.json else summary.table())
    return 0 if summary.clean else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
