"""What a test needs from the machine: it is there, or the test is skipped with the reason, or fails where it must be there."""

import os

import docker
import pytest
from docker.errors import DockerException


def require_docker() -> None:
    """Skips the test if no container engine answers; with REQUIRE_DOCKER=1 fails it instead."""
    try:
        docker.from_env().ping()
    except DockerException as error:
        stop = pytest.fail if os.environ.get("REQUIRE_DOCKER") == "1" else pytest.skip
        stop(f"needs a container engine, and none answers: {error}")
