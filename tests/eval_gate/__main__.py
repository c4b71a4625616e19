"""`make eval-gate`: does the code as it is answer the handbook's questions as well as it did when the baseline was recorded?

A fresh stack of this tree, with the obedient model, is measured on datasets/handbook_qa and judged by gates/handbook.yaml against
gates/baselines/handbook_qa.json. The exit code is the verdict's: 0 PASS, 1 FAIL, 2 INCONCLUSIVE, and something else if there is none.
Everything but a PASS stops a build: model and cases are always the same, so a tree in which nothing changed passes, and one that is not
shown to be as good does not. `make eval-baseline` records a new baseline, whose difference to the old one is then reviewed as any other.
"""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

from tests.models.obedient import environment, obedient
from tests.own_stack import OwnStack, own_stack

TREE = Path(__file__).parents[2]
DATASET = TREE / "datasets" / "handbook_qa"
BASELINE = TREE / "gates" / "baselines" / "handbook_qa.json"
GATE = "handbook"
OUT = TREE / ".cache" / "eval-gate"
# Few at once: the gate limits latency, and a queue is none of the pipeline's.
_SETTINGS = {"EVALUATOR_RAG__CONCURRENCY": "4"}


def main() -> int:
    """Gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.eval_gate", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--record", action="store_true", help="write the baseline anew instead of judging by it")
    parser.add_argument("--out", type=Path, default=OUT, help="where the report, JUnit XML and the services' log are written")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    folder = tempfile.TemporaryDirectory(prefix="eval-gate-")
    with folder as path, obedient() as model, own_stack(Path(path), environment(model) | _SETTINGS, TREE) as stack:
        try:
            return _record(stack) if given.record else _judge(stack, given.out)
        finally:
            shutil.copy(stack.log, given.out / "services.log")


def _judge(stack: OwnStack, out: Path) -> int:
    """Shows the table, and writes it down."""
    run = _measured(stack)
    files = {"--junit": out / "junit.xml", "--markdown": out / "report.md"}
    written = [str(part) for option in files.items() for part in option]
    return stack.command("gate", "--run", run, "--baseline", str(BASELINE), "--gate", GATE, *written, show=True).returncode


def _record(stack: OwnStack) -> int:
    BASELINE.parent.mkdir(exist_ok=True)
    return stack.command("eval", "record", _measured(stack), "--out", str(BASELINE), show=True).returncode


def _measured(stack: OwnStack) -> str:
    """The evaluation that measured this tree."""
    done = stack.command("eval", "run", "--dataset", str(DATASET), "--no-gate", "--json")
    if done.returncode:
        sys.exit(f"this tree could not be measured: {done.stderr or done.stdout}")
    evaluation: str = json.loads(done.stdout)["eval_id"]
    return evaluation


if __name__ == "__main__":
    sys.exit(main())
