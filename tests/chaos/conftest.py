"""Fixtures of the chaos tests."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.brokers.broker import LocalBroker
from tests.brokers.tansu import running_tansu
from tests.chaos.harness.world import Database, running_database


@pytest.fixture(scope="session")
def asked_for() -> None:
    """Minutes of killing processes are for who asks for them."""
    if not os.environ.get("CHAOS"):
        pytest.skip("takes minutes of kills and restarts: set CHAOS=1, or run the long version with `make chaos`")


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A database of the chaos tests' own, to stop and start."""
    with running_database(tmp_path_factory.mktemp("chaos")) as running:
        yield running


@pytest.fixture
def fresh_tansu(tmp_path: Path) -> Iterator[LocalBroker]:
    """A broker without any records."""
    with running_tansu(tmp_path) as broker:
        yield broker


@pytest.fixture
def quiet() -> Iterator[None]:
    """Thousands of failures are not worth a line each."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()
