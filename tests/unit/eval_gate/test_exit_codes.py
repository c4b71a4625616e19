"""`python -m tests.eval_gate`: 0, 1 and 2 are verdicts, and whatever keeps it from one is none of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.eval_gate.__main__ import main
from tests.own_stack import DidNotStart, OwnStack

Start = Callable[[Path, Mapping[str, str], Path], AbstractContextManager[OwnStack]]
MEASURED = '{"eval_id": "e"}'


@dataclass(frozen=True, slots=True)
class Measured(OwnStack):
    """A stack whose `eval run` ends with this code, and its `gate` with that."""

    eval_run: int
    gate: int

    def command(self, *arguments: str, show: bool = False) -> "CompletedProcess[str]":
        """Answers without a process."""
        code = self.eval_run if arguments[:2] == ("eval", "run") else self.gate
        return CompletedProcess(arguments, code, MEASURED, "the budget is used up" if code else "")


def starting(eval_run: int = 0, gate: int = 0) -> Start:
    """How such a stack is started."""

    @contextmanager
    def start(folder: Path, _: Mapping[str, str], tree: Path) -> Iterator[OwnStack]:
        stack = Measured(folder, tree, "http://nowhere", eval_run, gate)
        stack.log.parent.mkdir(parents=True)
        stack.log.write_text("started\n")
        yield stack

    return start


@contextmanager
def broken(*_: object) -> Iterator[OwnStack]:
    """A stack that does not start."""
    raise DidNotStart("the stack did not start")
    yield


def left(tmp_path: Path, start: Start, extra: Sequence[str] = ()) -> int:
    """The exit code."""
    return main(["--out", str(tmp_path / "out"), *extra], start)


@pytest.mark.parametrize("code", [0, 1, 2, 5])
def test_the_exit_code_is_that_of_the_gate(code: int, tmp_path: Path) -> None:
    """And the services' log is kept."""
    assert left(tmp_path, starting(gate=code)) == code
    assert (tmp_path / "out" / "services.log").read_text() == "started\n"


@pytest.mark.parametrize(("start", "why"), [(starting(eval_run=1), "the budget is used up"), (broken, "the stack did not start")])
def test_what_could_not_be_measured_has_no_verdict(start: Start, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """1 would say that the tree is worse."""
    assert left(tmp_path, start) == 5
    assert why in capsys.readouterr().err


def test_a_wrong_command_line_has_no_verdict(tmp_path: Path) -> None:
    """The usual code would say INCONCLUSIVE."""
    with pytest.raises(SystemExit) as ended:
        left(tmp_path, starting(), ["--colour"])

    assert ended.value.code == 5
