"""The whole stack as `workbench up` runs it: what it makes, who may run it, and how it ends."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import httpx
import psutil
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from contracts.topics import TOPICS, dead_letter_topic
from workbench.stack.folder import Folder
from workbench.stack.ports import free_port
from workbench.stack.servers import fresh_database, running_servers

MEBIBYTE = 1024 * 1024


class Stack:
    """A running `workbench up --json`: its process, the line it printed, and every process of it."""

    def __init__(self, process: "subprocess.Popen[str]", line: str) -> None:
        self.process = process
        self.addresses: dict[str, str] = json.loads(line)
        self.family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]

    def left(self, within_s: float = 60) -> list[psutil.Process]:
        """What of it still runs, after some time to end."""
        _, alive = psutil.wait_procs(self.family, timeout=within_s)
        return list(alive)


@contextmanager
def up(folder: Path, *options: str) -> Iterator[Stack]:
    """A stack in `folder`; ended when the block ends, if it still runs."""
    command = [sys.executable, "-m", "workbench", "up", "--json", *options]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        line = process.stdout.readline()
        try:
            assert line, process.stderr and process.stderr.read()
            yield Stack(process, line)
        finally:
            process.send_signal(signal.SIGTERM)


def workbench(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Another command in the same folder."""
    return subprocess.run([sys.executable, "-m", "workbench", *arguments], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("folder")


@pytest.fixture(scope="module")
def stack(folder: Path) -> Iterator[Stack]:
    with up(folder) as running:
        yield running


async def test_every_topic_is_there_with_its_partitions(stack: Stack) -> None:
    """And a dead letter topic for each reader of each."""
    admin = AIOKafkaAdminClient(bootstrap_servers=stack.addresses["kafka"])
    await admin.start()
    found: dict[str, int] = {topic["topic"]: len(topic["partitions"]) for topic in await admin.describe_topics()}
    await admin.close()

    assert {topic.name: found.get(topic.name) for topic in TOPICS} == {topic.name: topic.partitions for topic in TOPICS}
    assert {dead_letter_topic(topic.name, reader) for topic in TOPICS for reader in topic.readers} <= set(found)


async def test_every_service_is_ready(stack: Stack) -> None:
    """The address that was printed answers, and all that it depends on does."""
    async with httpx.AsyncClient(base_url=stack.addresses["http"], timeout=60) as http:
        async with asyncio.timeout(60):
            while (answer := await http.get("/readyz")).status_code != 200:
                await asyncio.sleep(0.1)

    assert {"postgres", "kafka", "redis", "vectors"} <= set(answer.json()["dependencies"])


def test_the_status_of_the_folder_is_what_up_printed(stack: Stack, folder: Path) -> None:
    """A script that did not start the stack finds it; a person sees that it is well."""
    assert json.loads(workbench(folder, "status", "--json").stdout) == stack.addresses

    for _ in range(20):  # what a dependency says late counts against it
        if (human := workbench(folder, "status")).returncode == 0:
            break
    assert human.returncode == 0
    assert stack.addresses["http"] in human.stdout


@pytest.mark.parametrize("command", [["up"], ["up", "--fresh"]])
def test_a_second_stack_in_the_folder_is_refused(stack: Stack, folder: Path, command: list[str]) -> None:
    """It names the process that runs the first, which goes on undisturbed."""
    second = workbench(folder, *command)

    assert second.returncode == 4
    assert f"process {stack.process.pid} runs it since" in second.stderr
    assert all(process.is_running() for process in stack.family)


def test_an_idle_stack_fits_a_laptop(stack: Stack) -> None:
    """All processes together stay below 900 MiB."""
    assert sum(process.memory_info().rss for process in stack.family) < 900 * MEBIBYTE


def test_a_signal_stops_everything(tmp_path: Path) -> None:
    """The exit code is 0, no process is left, and the folder is free."""
    port = free_port()
    with up(tmp_path, "--port", f"{port}") as running:
        assert running.addresses["http"] == f"http://127.0.0.1:{port}"
        running.process.terminate()

        assert running.process.wait(120) == 0
        assert running.left(within_s=0) == []

    assert not Folder(tmp_path / ".workbench").in_use()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's death")
def test_a_killed_stack_leaves_no_process(tmp_path: Path) -> None:
    """`kill -9` gives no chance to clean up."""
    with up(tmp_path) as running:
        running.process.kill()

        assert running.left() == []


def test_a_stack_whose_server_dies_ends_and_says_why(tmp_path: Path) -> None:
    """Half a stack is none; the error has the end of the server's log."""
    with up(tmp_path) as running:
        next(process for process in running.family if process.name() == "tansu").kill()

        assert running.process.wait(120) == 1
        assert running.process.stderr is not None
        assert "tansu stopped with exit code -9" in running.process.stderr.read()
        assert running.left() == []


async def test_a_fresh_stack_has_forgotten_everything(tmp_path: Path) -> None:
    """Rows, blobs, logs and passwords of the stack before are gone."""
    folder = Folder(tmp_path / ".workbench")
    with running_servers(folder.root) as servers:
        fresh_database(servers)
        before = servers.redis
    folder.blobs.mkdir()
    (folder.blobs / "old").touch()

    with up(tmp_path, "--fresh") as running:
        connection = await asyncpg.connect(running.addresses["postgres"])
        databases = await connection.fetchval("SELECT count(*) FROM pg_database WHERE datname LIKE 'workbench%'")
        await connection.close()

    assert databases == 1
    assert list(folder.blobs.iterdir()) == []
    assert running.addresses["redis"].rpartition("@")[0] != before.rpartition("@")[0]
