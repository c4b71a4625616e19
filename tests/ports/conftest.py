"""The servers that the ports' tests ask, and the vector stores."""

from collections.abc import Iterator

import pytest

from tests.ports.model_server import ModelServer, model_server
from tests.ports.vector_stores import qdrant_url, store, unopened

__all__ = ["models", "qdrant_url", "running_model_server", "store", "unopened"]


@pytest.fixture(scope="module")
def running_model_server() -> Iterator[ModelServer]:
    """A server for both SDKs."""
    with model_server() as running:
        yield running


@pytest.fixture
def models(running_model_server: ModelServer) -> ModelServer:
    """The server, asked nothing yet."""
    running_model_server.forget()
    return running_model_server
