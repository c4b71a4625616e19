"""Fixtures every test may ask for: real servers, started once a session, with a fresh database for each module that asks."""

from collections.abc import Iterator

import pytest
import structlog
from hypothesis import HealthCheck, settings

from workbench.stack.servers import Servers, fresh_database, running_servers

# A traceback that shows every local variable takes seconds to draw.
_PLAIN = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
structlog.configure(processors=[*structlog.get_config()["processors"][:-1], _PLAIN])

pytest_plugins = ["tests.brokers"]

# A machine that pauses for a moment says nothing about the code.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Broker, Postgres and Valkey, empty, for the whole session. Make your own topics; for tables of your own take `database`."""
    with running_servers(tmp_path_factory.mktemp("servers")) as running:
        yield running


@pytest.fixture(scope="module")
def database(servers: Servers) -> Servers:
    """The servers with a new database for this module: `database.dsn("ingest")` is the address for that role."""
    return fresh_database(servers)
