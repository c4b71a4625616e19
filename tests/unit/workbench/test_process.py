"""Child processes that serve, played by small Python programs."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from kit.errors import DependencyDown
from workbench.stack.process import Command, end_leftovers, running

SERVE = "import time, pathlib; pathlib.Path('up').touch(); time.sleep(60)"
STUBBORN = f"import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); {SERVE}"


def command(folder: Path, program: str, ready: Callable[[], bool] | None = None, stdin: bytes = b"") -> Command:
    """A server in `folder` that is ready once it made the file `up`."""
    return Command("toy", (sys.executable, "-c", program), folder, ready or (folder / "up").exists, stdin)


def test_a_server_runs_while_its_block_runs(tmp_path: Path) -> None:
    """It is there when it is ready, and gone after the block."""
    with running(command(tmp_path, SERVE), tmp_path) as server:
        server.wait_ready()
        pid = server.process.pid
        assert psutil.pid_exists(pid)

    assert not psutil.pid_exists(pid)


def test_a_server_that_stops_tells_the_end_of_its_log(tmp_path: Path) -> None:
    """The error has the exit code and what the server said last."""
    program = "import sys; print('no space left on device'); sys.exit(7)"

    with (
        pytest.raises(DependencyDown, match=r"toy stopped with exit code 7(.|\n)*no space left"),
        running(command(tmp_path, program), tmp_path) as s,
    ):
        s.wait_ready()


def test_a_server_that_never_answers_is_given_up(tmp_path: Path) -> None:
    """The wait has an end, and the server does not outlive it."""
    with pytest.raises(DependencyDown, match="did not answer within"), running(command(tmp_path, SERVE, lambda: False), tmp_path) as server:
        server.wait_ready(within_s=0.2)

    assert server.process.poll() is not None


def test_a_server_that_ignores_the_order_to_stop_is_killed(tmp_path: Path) -> None:
    """Stopping has a deadline."""
    with running(command(tmp_path, STUBBORN), tmp_path) as server:
        server.wait_ready()
        server.stop(within_s=0.2)

        assert server.process.returncode == -9


def test_a_server_reads_what_it_is_told(tmp_path: Path) -> None:
    """Secrets go through a pipe, and the pipe ends."""
    program = f"import sys, pathlib; pathlib.Path('told').write_text(sys.stdin.read()); {SERVE}"

    with running(command(tmp_path, program, stdin=b"secret"), tmp_path) as server:
        server.wait_ready()

        assert (tmp_path / "told").read_text() == "secret"


def test_a_server_sees_nothing_of_our_environment(tmp_path: Path) -> None:
    """Servers read settings there; only the path to programs is passed on."""
    program = f"import os, pathlib; pathlib.Path('seen').write_text(' '.join(sorted(os.environ))); {SERVE}"

    with running(command(tmp_path, program), tmp_path) as server:
        server.wait_ready()

        assert "HOME" not in (tmp_path / "seen").read_text().split()


def test_the_log_of_the_run_before_is_kept(tmp_path: Path) -> None:
    """A crash can still be read after the next start."""
    for word in ("first", "second"):
        with running(command(tmp_path, f"print('{word}')", (tmp_path / "never").exists), tmp_path) as server:
            server.process.wait()

    assert (tmp_path / "toy.log").read_text() == "second\n"
    assert (tmp_path / "toy.previous.log").read_text() == "first\n"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's death")
def test_a_server_dies_with_its_killed_parent(tmp_path: Path) -> None:
    """Nothing is left of a process that was killed."""
    child = (
        "import os, signal, sys, pathlib; from workbench.stack.process import Command, running\n"
        f"folder = pathlib.Path({str(tmp_path)!r})\n"
        f"with running(Command('toy', (sys.executable, '-c', {SERVE!r}), folder, (folder / 'up').exists), folder) as server:\n"
        "    server.wait_ready(); print(server.process.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    pid = int(subprocess.run([sys.executable, "-c", child], check=False, capture_output=True, text=True).stdout)

    assert _gone(pid)


def test_leftovers_are_ended_by_name_and_folder(tmp_path: Path) -> None:
    """What runs below the folder under a server's name goes; what has another name, or runs elsewhere, stays."""
    (tmp_path / "data").mkdir()
    with _sleeping(tmp_path / "data") as inside, _sleeping(tmp_path) as outside:
        name = psutil.Process(inside.pid).name()

        assert end_leftovers(tmp_path / "data", frozenset({f"not-{name}"})) == []
        assert end_leftovers(tmp_path / "data", frozenset({name})) == [inside.pid]
        assert inside.poll() is not None
        assert outside.poll() is None


@contextmanager
def _sleeping(folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], cwd=folder, stderr=subprocess.DEVNULL) as process:
        yield process
        process.kill()


def _gone(pid: int) -> bool:
    deadline = time.monotonic() + 60
    while _runs(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not _runs(pid)


def _runs(pid: int) -> bool:
    """One that has ended and that its new parent has not looked after yet does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
