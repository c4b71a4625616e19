"""The long stories, then the state machine: `python -m tests.chaos [--broker kafka|tansu] [--seed N] [--examples N] [--json]`.

Exits with 1 if an invariant was violated.
"""

import argparse
import asyncio
import json
import logging
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from kit.failpoints import Place
from tests.brokers.kafka import running_kafka
from tests.brokers.tansu import running_tansu
from tests.chaos.harness.faults import Fault
from tests.chaos.harness.faults.broker import BrokerAway
from tests.chaos.harness.faults.dead_letters import DeadLettersDeleted, DeadLettersRefused
from tests.chaos.harness.faults.kill9 import Kill9, Kill9InDrain
from tests.chaos.harness.faults.locked import JoinWaiting, Kill9Waiting
from tests.chaos.harness.faults.postgres import BackendsTerminated, PostgresAway
from tests.chaos.harness.faults.scale import Scale
from tests.chaos.harness.faults.sigterm import Sigterm
from tests.chaos.harness.faults.vectors import VectorsAway
from tests.chaos.harness.faults.zombie import Zombie
from tests.chaos.harness.machine import run_machine
from tests.chaos.harness.report import Report
from tests.chaos.harness.story import Story
from tests.chaos.harness.summary import Summary
from tests.chaos.harness.workloads import FEEDBACK, INDEXER, SERVED_INDEXER
from tests.chaos.harness.world import running_database
from tests.requirements import JAVA, java_version, kafka_jars

OF_AN_EVENT = (Place.AFTER_EFFECT, Place.MID_BATCH)
OF_A_BATCH = (Place.BEFORE_COMMIT, Place.AFTER_COMMIT)
OUTAGE_S = 60.0


def stories(durable: bool, seed: int) -> Iterator[Story]:
    """At least 10,000 events and 20 kills; the broker goes away, and dead letter topics change, only if it is `durable`."""
    chance = Random(seed)
    away: list[Fault] = [BrokerAway(), BrokerAway(killed=True)] if durable else []
    buried: list[Fault] = [DeadLettersRefused(), DeadLettersDeleted()] if durable else []
    bursts = [
        kill
        for _ in range(4)
        for kill in (
            *(Kill9(place, chance.randint(200, 300)) for place in OF_AN_EVENT),
            *(Kill9(place, chance.randint(40, 60)) for place in OF_A_BATCH),
        )
    ]
    yield Story(FEEDBACK, [*bursts, Kill9InDrain(), Kill9InDrain(), Kill9Waiting()], events=6_000, rate=60, seed=seed, burst=20)
    # One by one, and often: that is how long a pause can be told apart from the time between two events.
    yield Story(FEEDBACK, [Scale(4, times=3), JoinWaiting(), Sigterm(), Zombie()], events=3_000, rate=80, seed=seed)
    told = [Kill9(place, chance.randint(30, 50)) for place in (Place.MID_RELAY, Place.AFTER_EFFECT, *OF_A_BATCH) * 2]
    yield Story(INDEXER, [*told, Sigterm(), Zombie(), PostgresAway(killed=True), *away], events=600, rate=8, seed=seed)
    served: list[Fault] = [Kill9(Place.AFTER_EFFECT, 40), VectorsAway(seconds=OUTAGE_S), VectorsAway(killed=True), Scale(2)]
    yield Story(SERVED_INDEXER, served, events=600, rate=8, seed=seed)
    opinions = [Kill9(place, chance.randint(200, 300)) for place in OF_AN_EVENT]
    cut_off: list[Fault] = [BackendsTerminated(), PostgresAway(), PostgresAway(killed=True)]
    yield Story(FEEDBACK, [*opinions, *cut_off, *away, *buried, Zombie()], events=3_000, rate=60, seed=seed, burst=20)


def play(kafka: bool, seed: int, folder: Path) -> Iterator[Report]:
    """Plays all stories on one database, each on a broker of its own: two may be of one consumer group."""
    with running_database(folder) as database:
        for number, story in enumerate(stories(durable=kafka, seed=seed)):
            own = folder / f"story-{number}"
            own.mkdir()
            with running_kafka(own, kafka_jars()) if kafka else running_tansu(own) as broker:
                report = asyncio.run(story.play(broker, database, own / "world"))
            print(f"{report.service}: {report.events} events, {report.seconds:.0f} s", file=sys.stderr, flush=True)
            yield report


def main(arguments: Sequence[str]) -> int:
    """The exit status."""
    has_kafka = java_version() >= JAVA and (kafka_jars() / ".ready").exists()
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--broker", choices=["kafka", "tansu"], default="kafka" if has_kafka else "tansu")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--examples", type=int, default=2_000, help="stories of the state machine; 0 tells none")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args(arguments)
    # It tells at length what is no news here: that a broker is away.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    reports = list[Report]()
    try:
        with TemporaryDirectory(prefix="chaos-") as folder:
            reports.extend(play(chosen.broker == "kafka", chosen.seed, Path(folder)))
    finally:
        # A story that does not end takes nothing from those before it.
        machine = run_machine(chosen.examples) if chosen.examples else None
        summary = Summary(reports, machine)
        print(json.dumps(summary.as_json(), indent=2, default=str) if chosen.json else summary.table())
    return 0 if summary.clean else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
