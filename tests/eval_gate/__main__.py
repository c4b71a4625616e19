"""`make eval-gate`: does the code as it is answer the handbook's questions as well as it did when the baseline was recorded?

A fresh stack of this tree, with the obedient model, is measured on datasets/handbook_qa and judged by gates/handbook.yaml against
gates/baselines/handbook_qa.json. The exit code of `python -m tests.eval_gate` is the verdict's: 0 PASS, 1 FAIL, 2 INCONCLUSIVE, and 5 if
there is none: the stack does not start, the tree cannot be measured, or the command line is wrong. make itself gives 0 for a PASS and 2 for
all else. Everything but a PASS stops a build: model and cases are always the same, so a tree in which nothing changed passes, and one that
is not shown to be as good does not. `make eval-baseline` records a new baseline, whose difference to the old one is then reviewed as any
other.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NoReturn

from tests.models.obedient import environment, obedient
from tests.own_stack import DidNotStart, OwnStack, own_stack
from workbench.errors import NO_VERDICT
from workbench.verdicts import NoVerdict

TREE = Path(__file__).parents[2]
DATASET = TREE / "datasets" / "handbook_qa"
BASELINE = TREE / "gates" / "baselines" / "handbook_qa.json"
GATE = "handbook"
OUT = TREE / ".cache" / "eval-gate"
# Few at once: the gate limits latency, and a queue is none of the pipeline's.
_SETTINGS = {"EVALUATOR_RAG__CONCURRENCY": "4"}

Start = Callable[[Path, Mapping[str, str], Path], AbstractContextManager[OwnStack]]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """2 would say INCONCLUSIVE."""
        self.print_usage(sys.stderr)
        self.exit(NO_VERDICT, f"{self.prog}: {message}\n")


def main(arguments: Sequence[str] | None = None, start: Start = own_stack) -> int:
    """Gives the exit code."""
    parser = _Parser(prog="python -m tests.eval_gate", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--record", action="store_true", help="write the baseline anew instead of judging by it")
    parser.add_argument("--out", type=Path, default=OUT, help="where the report, JUnit XML and the services' log are written")
    given = parser.parse_args(arguments)
    try:
        return _run(given.record, given.out, start)
    except (DidNotStart, NoVerdict, OSError) as error:
        print(f"no verdict: {error}", file=sys.stderr)
        return NO_VERDICT


def _run(record: bool, out: Path, start: Start) -> int:
    """In a stack of its own, whose log is kept whatever comes."""
    out.mkdir(parents=True, exist_ok=True)
    folder = tempfile.TemporaryDirectory(prefix="eval-gate-")
    with folder as path, obedient() as model, start(Path(path), environment(model) | _SETTINGS, TREE) as stack:
        try:
            return _record(stack) if record else _judge(stack, out)
        finally:
            shutil.copy(stack.log, out / "services.log")


def _judge(stack: OwnStack, out: Path) -> int:
    """Shows the table, and writes it down."""
    run = _measured(stack)
    files = {"--junit": out / "junit.xml", "--markdown": out / "report.md"}
    written = [str(part) for option in files.items() for part in option]
    return stack.command("gate", "--run", run, "--baseline", str(BASELINE), "--gate", GATE, *written, show=True).returncode


def _record(stack: OwnStack) -> int:
    """Writes the baseline, which is no verdict either way."""
    done = stack.command("eval", "record", _measured(stack), "--out", str(BASELINE), show=True)
    return NO_VERDICT if done.returncode else 0


def _measured(stack: OwnStack) -> str:
    """The evaluation that measured this tree. Raises NoVerdict if none did."""
    done = stack.command("eval", "run", "--dataset", str(DATASET), "--no-gate", "--json")
    if done.returncode:
        raise NoVerdict("tree_unmeasured", f"this tree could not be measured: {done.stderr or done.stdout}")
    evaluation: str = json.loads(done.stdout)["eval_id"]
    return evaluation


if __name__ == "__main__":
    sys.exit(main())
