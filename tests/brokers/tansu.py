"""Tansu, the broker of the embedded stack."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kit.settings import KafkaSettings
from tests.brokers.broker import LocalBroker
from tests.brokers.server import local_server
from workbench.stack import tansu
from workbench.stack.ports import HOST, free_port


@contextmanager
def running_tansu(folder: Path) -> Iterator[LocalBroker]:
    """Yields a broker that has forgotten everything after each start."""
    port = free_port()
    settings = KafkaSettings(bootstrap_servers=f"{HOST}:{port}", idempotent=False, forgets=True, session_timeout_ms=2_000)
    with local_server(tansu.command(folder, port), folder / "logs") as server:
        yield LocalBroker("tansu", settings, server)
