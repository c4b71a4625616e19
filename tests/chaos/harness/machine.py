"""The state machine's stories, told as many times as asked, in a process of their own."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

ROOT = Path(__file__).parents[3]
_TEST = "tests/chaos/test_state_machine.py"


@dataclass(frozen=True, slots=True)
class Machine:
    """Whether the invariants held in all of `examples` stories, and what pytest said."""

    examples: int
    held: bool
    seconds: float
    said: str


def run_machine(examples: int) -> Machine:
    """Runs the test of the state machine, its checker's own mutants included."""
    began = monotonic()
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short", _TEST]
    environment = {**os.environ, "CHAOS_EXAMPLES": str(examples)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    return Machine(examples, done.returncode == 0, round(monotonic() - began, 1), done.stdout)
