"""Redpanda, the broker of docker-compose.yml, in a container."""

from collections.abc import Iterator
from contextlib import contextmanager

from testcontainers.community.kafka import RedpandaContainer

from kit.settings import KafkaSettings
from tests.brokers.broker import Broker

# The one of docker-compose.yml.
IMAGE = "redpandadata/redpanda:v25.3.6"
READY_WITHIN_S = 60


@contextmanager
def running_redpanda() -> Iterator[Broker]:
    """Yields a broker of one node. It stays up: a container's port, and with it the broker's address, changes with a restart."""
    container = RedpandaContainer(IMAGE)
    try:
        container.start(timeout=READY_WITHIN_S)
        yield Broker("redpanda", KafkaSettings(bootstrap_servers=container.get_bootstrap_server(), session_timeout_ms=6_000))
    finally:
        container.stop()
