"""Real brokers for tests: `broker` is each of them in turn, `durable_broker` one to stop and start. All start when first asked for."""

from collections.abc import Iterator

import pytest

from tests.brokers.broker import Broker, LocalBroker
from tests.brokers.kafka import running_kafka
from tests.brokers.redpanda import running_redpanda
from tests.brokers.tansu import running_tansu
from tests.requirements import require_docker, require_kafka

__all__ = ["Broker", "LocalBroker"]


@pytest.fixture(scope="session")
def tansu(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalBroker]:
    """The embedded broker."""
    with running_tansu(tmp_path_factory.mktemp("tansu")) as broker:
        yield broker


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalBroker]:
    """Apache Kafka, where Java and its jars are."""
    jars = require_kafka()
    with running_kafka(tmp_path_factory.mktemp("kafka"), jars) as broker:
        yield broker


@pytest.fixture(scope="session")
def redpanda() -> Iterator[Broker]:
    """Redpanda, where a container engine runs."""
    require_docker()
    with running_redpanda() as broker:
        yield broker


@pytest.fixture(scope="session", params=["tansu", "kafka", pytest.param("redpanda", marks=pytest.mark.docker)])
def broker(request: pytest.FixtureRequest) -> Broker:
    """Every broker this project runs on, one after the other. Make topics of your own: other tests use the same broker."""
    running: Broker = request.getfixturevalue(request.param)
    return running


@pytest.fixture
def durable_broker(kafka: LocalBroker) -> Iterator[LocalBroker]:
    """A broker that keeps its data, to stop, kill and start; it runs before and after the test."""
    kafka.start()
    yield kafka
    kafka.start()
