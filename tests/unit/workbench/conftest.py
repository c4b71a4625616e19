"""What the service sends, as it was recorded, and a workbench made of nothing but answers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from workbench.client import Client

FIXTURES = Path(__file__).with_name("fixtures")

Answer = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def sent() -> Callable[[str], Any]:
    """The JSON of a fixture by its name."""
    return lambda name: json.loads((FIXTURES / f"{name}.json").read_text())


@pytest.fixture
def client_of() -> Callable[[Answer], Client]:
    """A client whose every request `answer` answers."""
    return lambda answer: Client(httpx.AsyncClient(base_url="http://workbench", transport=httpx.MockTransport(answer)))
