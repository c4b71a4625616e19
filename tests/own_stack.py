"""A stack of a test's own: started as a user starts it, in a folder and with settings that no other test has."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Timer

_OURS = ("RAG_", "INGEST_", "INDEXER_", "EVALUATOR_", "FEEDBACK_", "WORKBENCH_")
_STARTS_WITHIN_S, _STOPS_WITHIN_S = 180, 60


class DidNotStart(AssertionError):
    """The stack ended before it was ready; what it said is on standard error."""


@dataclass(frozen=True, slots=True)
class OwnStack:
    """A running stack, the folder it runs in and the tree of the code it runs."""

    folder: Path
    tree: Path
    url: str

    @property
    def log(self) -> Path:
        """What its services log."""
        return self.folder / ".workbench" / "logs" / "services.log"

    def command(self, *arguments: str, show: bool = False) -> "subprocess.CompletedProcess[str]":
        """`workbench ...`, spoken to this stack; with `show` it talks to the terminal itself."""
        where = {"cwd": self.folder, "env": environment(self.tree)}
        return subprocess.run([sys.executable, "-m", "workbench", *arguments], capture_output=not show, text=True, **where)


def environment(tree: Path, settings: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of this process with the code of `tree` and these settings, and none that somebody set for another stack."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
    return kept | {"PYTHONPATH": str(tree)} | dict(settings or {})


@contextmanager
def own_stack(folder: Path, settings: Mapping[str, str], tree: Path = Path(__file__).parents[1]) -> Iterator[OwnStack]:
    """Runs a stack in `folder` while the block runs. Raises DidNotStart."""
    command = [sys.executable, "-m", "workbench", "up", "--json"]
    with subprocess.Popen(command, cwd=folder, env=environment(tree, settings), stdout=subprocess.PIPE, text=True) as up:
        late = Timer(_STARTS_WITHIN_S, up.kill)
        late.start()
        try:
            assert up.stdout
            line = up.stdout.readline()
            late.cancel()
            if not line:
                raise DidNotStart("the stack did not start; what it said is above")
            yield OwnStack(folder, tree, json.loads(line)["http"])
        finally:
            late.cancel()
            _stop(up)


def _stop(up: "subprocess.Popen[str]") -> None:
    up.send_signal(signal.SIGINT)
    try:
        up.wait(_STOPS_WITHIN_S)
    except subprocess.TimeoutExpired:
        up.kill()  # or leaving the block would wait for it
        raise
