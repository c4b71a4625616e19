"""The data folder of a stack: what lies where, who uses it, and where that one's services answer."""

import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from kit.clock import Clock, SystemClock
from workbench.errors import NoStack, StackRuns

FOLDER = Path(".workbench")

# Whoever only looks holds the lock for microseconds; a stack that starts in that moment must not give up.
_TRIES, _PAUSE_S = 5, 0.02


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a running stack answers. `postgres` is the administrator's address; `key` is an API key, where one is needed."""

    http: str
    kafka: str
    postgres: str
    redis: str
    blobs: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that runs a folder's stack, since when (ISO 8601), and its addresses once it is ready."""

    pid: int
    since: str
    addresses: Addresses | None = None

    def __str__(self) -> str:
        where = f"at {self.addresses.http}" if self.addresses else "and is starting"
        return f"process {self.pid} runs it since {self.since} {where}"


@dataclass(frozen=True, slots=True)
class Folder:
    """A stack's data folder."""

    root: Path

    @property
    def blobs(self) -> Path:
        """Raw documents."""
        return self.root / "blobs"

    @property
    def vectors(self) -> Path:
        """The vector index."""
        return self.root / "vectors"

    @property
    def services_log(self) -> Path:
        """What the five services log, one JSON object a line."""
        return self.root / "logs" / "services.log"

    @contextmanager
    def held(self, clock: Clock | None = None) -> Iterator[Owner]:
        """Makes this process the folder's only user while the block runs; the system ends that with the process, however it dies.

        Raises StackRuns, which names the owner.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        with self._lock.open("a") as lock:
            if not _locked(lock.fileno(), fcntl.LOCK_EX):
                raise StackRuns("stack_runs", f"the stack in {self.root} runs already: {self._read() or 'its process is starting'}")
            owner = Owner(os.getpid(), (clock or SystemClock()).now().isoformat(timespec="seconds"))
            self._write(owner)
            try:
                yield owner
            finally:
                self._state.unlink(missing_ok=True)

    def publish(self, owner: Owner, addresses: Addresses) -> None:
        """Tells other processes where the stack answers; they contain passwords, so only the folder's owner may read them."""
        self._write(replace(owner, addresses=addresses))

    def in_use(self) -> bool:
        """Whether a process runs this folder's stack."""
        return self._owner() is not None

    def addresses(self) -> Addresses:
        """Where the running stack answers. Raises NoStack, which says what to do."""
        owner = self._owner()
        if owner is None:
            raise NoStack("no_stack", f"no stack runs in {self.root}; start one with `workbench up`, or name another with --url")
        if owner.addresses is None:
            raise NoStack("stack_starting", f"the stack in {self.root} is not ready yet ({owner}); try again in a few seconds")
        return owner.addresses

    def forget(self) -> None:
        """Removes all data; the holder of the folder calls it, before anything runs."""
        for path in self.root.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path not in (self._lock, self._state):
                path.unlink()

    @property
    def _lock(self) -> Path:
        return self.root / "lock"

    @property
    def _state(self) -> Path:
        return self.root / "state.json"

    def _owner(self) -> Owner | None:
        if not self._lock.exists():
            return None
        with self._lock.open() as lock:
            return None if _locked(lock.fileno(), fcntl.LOCK_SH, tries=1) else self._read() or Owner(0, "just now")

    def _read(self) -> Owner | None:
        try:
            state = json.loads(self._state.read_text())
        except FileNotFoundError:
            return None
        addresses = Addresses(**state["addresses"]) if state["addresses"] else None
        return Owner(state["pid"], state["since"], addresses)

    def _write(self, owner: Owner) -> None:
        new = self._state.with_suffix(".new")
        new.touch(mode=0o600)
        new.write_text(json.dumps(asdict(owner), indent=2))
        new.replace(self._state)


def _locked(file: int, kind: int, tries: int = _TRIES) -> bool:
    for attempt in range(tries):
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if attempt + 1 < tries:
                time.sleep(_PAUSE_S)
        else:
            return True
    return False
