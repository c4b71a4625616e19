"""Child processes that serve: started in a folder, waited for until they answer, stopped, and never left behind."""

import ctypes
import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import psutil

from kit.errors import DependencyDown, Permanent

# All three servers take it as the order to finish what they do and leave; Postgres would wait for its clients on SIGTERM.
STOP_SIGNAL = signal.SIGINT
READY_WITHIN_S = 30.0
STOP_WITHIN_S = 15.0

_PR_SET_PDEATHSIG = 1
_LOG_TAIL_LINES = 20


@dataclass(frozen=True, slots=True)
class Account:
    """A user of this machine other than the one who runs this process."""

    uid: int
    gid: int

    def popen_arguments(self) -> dict[str, Any]:
        """What `subprocess` takes to run a program as this user."""
        return {"user": self.uid, "group": self.gid, "extra_groups": ()}


@dataclass(frozen=True, slots=True)
class Command:
    """How a server starts: `argv` runs in `folder` (as `account`, if given) and reads `stdin`; `ready` tells whether it serves."""

    name: str
    argv: tuple[str, ...]
    folder: Path
    ready: Callable[[], bool]
    stdin: bytes = b""
    account: Account | None = None


@dataclass(frozen=True, slots=True)
class Server:
    """A started server and where it logs."""

    name: str
    process: "subprocess.Popen[bytes]"
    log: Path
    ready: Callable[[], bool]

    def wait_ready(self, within_s: float = READY_WITHIN_S) -> None:
        """Returns once the server answers. Raises DependencyDown `server_failed` with its log's end if it stops or takes too long."""
        deadline = time.monotonic() + within_s
        while not self.ready():
            self.check()
            if time.monotonic() > deadline:
                raise self._failed(f"did not answer within {within_s:g} s")
            time.sleep(0.01)
        self.check()

    def check(self) -> None:
        """Raises DependencyDown `server_failed` if the server is not running any more."""
        code = self.process.poll()
        if code is not None:
            raise self._failed(f"stopped with exit code {code}")

    def stop(self, within_s: float = STOP_WITHIN_S) -> None:
        """Asks the server to stop, kills it if it does not in time, and returns when it is gone."""
        if self.process.poll() is None:
            self.process.send_signal(STOP_SIGNAL)
        try:
            self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _failed(self, what: str) -> DependencyDown:
        return DependencyDown("server_failed", f"{self.name} {what}. Its log, {self.log}, ends with:\n{_tail(self.log)}")


@contextmanager
def running(command: Command, logs: Path) -> Iterator[Server]:
    """Starts a server that ends with this block, or with the calling thread, however that ends (Linux). It may not be ready yet."""
    log = _fresh_log(logs / f"{command.name}.log")
    with log.open("wb") as output:
        process = subprocess.Popen(
            command.argv,
            cwd=command.folder,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            **isolation(command.account),
        )
    server = Server(command.name, process, log, command.ready)
    try:
        _feed(process, command.stdin)
        yield server
    finally:
        server.stop()


def isolation(account: Account | None) -> dict[str, Any]:
    """Arguments for `subprocess` that keep a child in our hands.

    A session of its own, so that Ctrl-C does not reach it before we stop it in order; none of our environment, which servers would read
    as settings; another user, if given; and the parent's death as the order to stop.
    """
    return {
        "start_new_session": True,
        "env": {"PATH": os.environ.get("PATH", os.defpath)},
        "preexec_fn": _stop_with_parent(),
        **(account.popen_arguments() if account else {}),
    }


def end_leftovers(folder: Path, names: frozenset[str]) -> list[int]:
    """Ends the processes called one of `names` that run below `folder`: what a killed stack left behind. Gives their ids."""
    left = [process for process in psutil.process_iter(["name", "cwd"]) if _is_left(process.info, folder.resolve(), names)]
    alive = left
    for number in (STOP_SIGNAL, signal.SIGKILL):
        for process in alive:
            # One may end because another did: Postgres is a family.
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)
        _, alive = psutil.wait_procs(alive, timeout=STOP_WITHIN_S)
    return [process.pid for process in left]


def package_folder(package: str, install: str = "pip install '.[embedded]'") -> Path:
    """Where an installed package lies, without importing it. Raises Permanent `extra_missing`, which says to `install`."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise Permanent("extra_missing", f"{package} is not installed; install what this needs: {install}")
    return Path(spec.origin).parent


def _is_left(info: dict[str, Any], folder: Path, names: frozenset[str]) -> bool:
    return info["name"] in names and info["cwd"] is not None and Path(info["cwd"]).is_relative_to(folder)


def _stop_with_parent() -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl

    def ask_kernel() -> None:
        # In the background of a script it is ignored, and what is ignored stays so in children.
        signal.signal(STOP_SIGNAL, signal.SIG_DFL)
        prctl(_PR_SET_PDEATHSIG, STOP_SIGNAL)

    return ask_kernel


def _feed(process: "subprocess.Popen[bytes]", data: bytes) -> None:
    # A server that does not read what it is told has stopped: `wait_ready` says why.
    with suppress(BrokenPipeError), process.stdin or BytesIO() as pipe:
        pipe.write(data)


def _fresh_log(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        path.replace(path.with_suffix(".previous.log"))
    return path


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-_LOG_TAIL_LINES:]) or "(empty)"
