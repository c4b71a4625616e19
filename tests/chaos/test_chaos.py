"""Services are killed, stopped, frozen, scaled and cut off while events flow, and nothing is lost, doubled or out of order."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.failpoints import Place
from tests.brokers.broker import LocalBroker
from tests.brokers.kafka import running_kafka
from tests.chaos.harness.faults import Fault
from tests.chaos.harness.faults.broker import BrokerAway
from tests.chaos.harness.faults.dead_letters import DeadLettersRefused
from tests.chaos.harness.faults.kill9 import Kill9, Kill9InDrain
from tests.chaos.harness.faults.locked import JoinWaiting, Kill9Waiting
from tests.chaos.harness.faults.postgres import BackendsTerminated, PostgresAway
from tests.chaos.harness.faults.scale import Scale
from tests.chaos.harness.faults.sigterm import Sigterm
from tests.chaos.harness.faults.vectors import VectorsAway
from tests.chaos.harness.faults.zombie import Zombie
from tests.chaos.harness.report import Report
from tests.chaos.harness.story import Story
from tests.chaos.harness.workloads import FEEDBACK, INDEXER, SERVED_INDEXER
from tests.chaos.harness.world import Database
from tests.requirements import require_kafka

pytestmark = pytest.mark.usefixtures("asked_for")


@pytest.fixture(scope="module")
def fresh_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalBroker]:
    """A broker that keeps its data."""
    with running_kafka(tmp_path_factory.mktemp("kafka"), require_kafka()) as broker:
        yield broker


def assert_clean(report: Report) -> None:
    """Every invariant holds."""
    assert not report.findings, str(report.findings)
    assert not report.unbounded
    assert report.samples > 0


async def test_a_service_killed_at_each_step_loses_nothing_and_does_nothing_twice(
    fresh_tansu: LocalBroker, postgres: Database, tmp_path: Path
) -> None:
    """In an effect, between two that share a transaction, around a commit, in a drain, waiting for a lock; with poison between."""
    shared = [Kill9(place, nth=100) for place in (Place.AFTER_EFFECT, Place.MID_BATCH)]
    kills: list[Fault] = [*shared, *(Kill9(place, nth=25) for place in (Place.BEFORE_COMMIT, Place.AFTER_COMMIT))]
    kills += [Kill9InDrain(), Kill9Waiting()]

    report = await Story(FEEDBACK, kills, events=400, rate=60, burst=20).play(fresh_tansu, postgres, tmp_path / "world")

    assert_clean(report)
    assert report.kills == 6
    assert report.poison > 0


async def test_an_indexer_killed_while_it_tells_what_it_did_shows_the_newest_version_of_every_document(
    fresh_tansu: LocalBroker, postgres: Database, tmp_path: Path
) -> None:
    """No half of a version, no older one, no points without a document; and `docs.indexed` tells what was committed."""
    places = (Place.MID_RELAY, Place.AFTER_EFFECT, Place.AFTER_COMMIT)
    kills = [Kill9(place, nth=10) for place in places]

    report = await Story(INDEXER, kills, events=150, rate=15).play(fresh_tansu, postgres, tmp_path / "world")

    assert_clean(report)
    assert report.kills == 3


async def test_a_vector_store_that_goes_away_leaves_no_half_of_a_version_and_no_stray_points(
    fresh_tansu: LocalBroker, postgres: Database, tmp_path: Path
) -> None:
    """Also if the indexer dies while it writes there."""
    faults: list[Fault] = [Kill9(Place.AFTER_EFFECT, nth=20), VectorsAway(seconds=3), VectorsAway(killed=True, seconds=2)]

    report = await Story(SERVED_INDEXER, faults, events=150, rate=15).play(fresh_tansu, postgres, tmp_path / "world")

    assert_clean(report)


async def test_replicas_that_come_and_go_do_nothing_twice(fresh_tansu: LocalBroker, postgres: Database, tmp_path: Path) -> None:
    """Whoever gives a partition up has finished with it."""
    faults: list[Fault] = [JoinWaiting(), Sigterm(), Scale(replicas=2)]

    report = await Story(FEEDBACK, faults, events=300, rate=60).play(fresh_tansu, postgres, tmp_path / "world")

    assert_clean(report)


async def test_a_broker_and_a_database_that_go_away_and_a_process_that_stands_still_lose_nothing(
    fresh_kafka: LocalBroker, postgres: Database, tmp_path: Path
) -> None:
    """On a broker that keeps its data; and so it is with dead letter topics that take nothing."""
    faults: list[Fault] = [BackendsTerminated(), PostgresAway(), BrokerAway(), Zombie(), DeadLettersRefused(seconds=2)]

    report = await Story(FEEDBACK, faults, events=400, rate=60, burst=20).play(fresh_kafka, postgres, tmp_path / "world")

    assert_clean(report)
