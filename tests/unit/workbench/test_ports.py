"""Ports that nobody else is given, however many stacks start at the same moment."""

import subprocess
import sys
from random import Random

import pytest

from workbench.stack.ports import free_port

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux forgets a name with its process")

DRAWS = "from random import Random; from workbench.stack.ports import free_port; print(free_port(Random({seed})))"


def test_a_port_is_given_once() -> None:
    """Though no server listens on it yet."""
    assert len({free_port(Random("the same")) for _ in range(10)}) == 10


def test_a_port_is_given_to_one_process() -> None:
    """For as long as that lives."""
    ours = free_port(Random("one"))
    drawn = subprocess.run([sys.executable, "-c", DRAWS.format(seed="'one'")], capture_output=True, text=True, check=True)

    assert int(drawn.stdout) != ours
