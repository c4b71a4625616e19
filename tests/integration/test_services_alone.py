"""Each service runs as a process of its own against servers that settings name."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from kit.topics import create_topics
from workbench.stack.ports import free_port
from workbench.stack.servers import Servers

SERVICES = ("ingest", "indexer", "rag", "evaluator", "feedback")


def environment(service: str, servers: Servers, folder: Path, port: int) -> dict[str, str]:
    """The variables of a service; the vector store lies in a folder here, which only one process can open."""
    blobs, vectors = {"BLOBS__URL": folder.as_uri()}, {"VECTORS__ENGINE": "edge", "VECTORS__PATH": str(folder / service)}
    own = {"ingest": blobs, "evaluator": blobs, "indexer": vectors, "rag": {**blobs, **vectors, "REDIS__URL": servers.redis}}
    settings = {
        "KAFKA__BOOTSTRAP_SERVERS": servers.kafka,
        "KAFKA__IDEMPOTENT": "false",
        "KAFKA__SESSION_TIMEOUT_MS": "2000",
        "POSTGRES__DSN": servers.dsn(service),
        "HTTP__PORT": str(port),
        **own.get(service, {}),
    }
    return {**os.environ, **{f"{service.upper()}_{name}": value for name, value in settings.items()}}


@contextmanager
def process(service: str, env: dict[str, str], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """`python -m services.<name>`, ended by SIGTERM."""
    with log.open("w") as stream, subprocess.Popen([sys.executable, "-m", f"services.{service}"], env=env, stderr=stream) as running:
        try:
            yield running
        finally:
            running.send_signal(signal.SIGTERM)


async def ready(port: int) -> dict[str, str]:
    """What the service says of its dependencies once it is ready."""
    async with asyncio.timeout(120), httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
        while True:
            try:
                answer = await http.get("/readyz")
                if answer.status_code == 200:
                    dependencies: dict[str, str] = answer.json()["dependencies"]
                    return dependencies
            except httpx.TransportError:
                pass
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_runs_alone_and_stops_on_sigterm(service: str, database: Servers, tmp_path: Path) -> None:
    """It becomes ready, tells its health and metrics, and ends with status 0."""
    await create_topics(database.kafka)
    port, log = free_port(), tmp_path / "log"

    with process(service, environment(service, database, tmp_path, port), log) as running:
        dependencies = await ready(port)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
            version, metrics = (await http.get("/version")).json(), await http.get("/metrics")

    assert {"postgres", "kafka"} <= dependencies.keys()
    assert version["service"] == service
    assert "workbench_" in metrics.text
    assert running.returncode == 0, log.read_text()[-2000:]


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_without_settings_names_them_and_ends(service: str) -> None:
    """Before it does anything."""
    bare = {name: value for name, value in os.environ.items() if not name.startswith(service.upper())}

    ended = subprocess.run([sys.executable, "-m", f"services.{service}"], env=bare, capture_output=True, text=True, timeout=120)

    assert ended.returncode == 1
    assert f"{service.upper()}_KAFKA: Field required" in ended.stderr
    assert f"{service.upper()}_POSTGRES: Field required" in ended.stderr
