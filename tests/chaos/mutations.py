"""Breaks delivery, each way in a copy of the tree, and tells which test sees it: `python -m tests.chaos.mutations [NAME ...]`.

Exits with 1 if one survives.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
COPIED = ("contracts", "kit", "services", "workbench", "tests", "pyproject.toml")
CHAOS = "tests/chaos/test_chaos.py::test_"


@dataclass(frozen=True, slots=True)
class Mutation:
    """In `file`, one text becomes another for each of `edits`; one of `tests` must fail."""

    name: str
    file: str
    edits: tuple[tuple[str, str], ...]
    tests: tuple[str, ...]

    def apply(self, tree: Path) -> None:
        """Breaks the copy. Raises ValueError if the code does not read as expected any more."""
        path = tree / self.file
        text = path.read_text()
        for good, bad in self.edits:
            if text.count(good) != 1:
                raise ValueError(f"{self.name}: {good!r} is not there once in {self.file}; write the mutation anew")
            text = text.replace(good, bad)
        path.write_text(text)


KILLED = f"{CHAOS}a_service_killed_at_each_step_loses_nothing_and_does_nothing_twice"
SCALED = f"{CHAOS}replicas_that_come_and_go_do_nothing_twice"
AWAY = f"{CHAOS}a_broker_and_a_database_that_go_away_and_a_process_that_stands_still_lose_nothing"
STORED = f"{CHAOS}a_vector_store_that_goes_away_leaves_no_half_of_a_version_and_no_stray_points"
INDEXED = f"{CHAOS}an_indexer_killed_while_it_tells_what_it_did_shows_the_newest_version_of_every_document"

MUTATIONS = (
    Mutation(
        "inbox insert removed",
        "kit/effects.py",
        (
            ("            await self.inbox.record(effect.connection, event)\n", ""),
            ("await self.inbox.record_all(whole.connection, events)", "list(events)"),
        ),
        ("tests/integration/test_effects.py", KILLED),
    ),
    Mutation(
        "offset committed before the record is processed",
        "kit/consume.py",
        (("ack_policy=AckPolicy.MANUAL", "ack_policy=AckPolicy.ACK_FIRST"),),
        (KILLED,),
    ),
    Mutation("drain listener removed", "kit/consume.py", (("        listener=member,\n", ""),), (SCALED,)),
    Mutation(
        "parser made strict",
        "kit/broker.py",
        (("await original((replace(records[0], headers=()),))", "await original(records)"),),
        (KILLED,),
    ),
    Mutation(
        "fence removed",
        "services/indexer/queries.sql",
        (("WHERE documents.version < excluded.version OR (documents.version = excluded.version AND NOT documents.deleted)\n", ""),),
        ("tests/integration/test_indexer.py", INDEXED),
    ),
    Mutation(
        "refused dead letter given up",
        "kit/delivery.py",
        (("            return self._hold(down)\n", "            return None\n"),),
        (AWAY,),
    ),
    Mutation(
        "old points kept",
        "services/indexer/retire.py",
        (("                await vectors.remove(retirement.document_id, retirement.below)\n", "                continue\n"),),
        (STORED,),
    ),
)


def caught_by(mutation: Mutation) -> dict[str, bool]:
    """For each test file or test of the mutation: whether it failed on the broken copy."""
    with TemporaryDirectory(prefix="mutation-") as folder:
        tree = Path(folder)
        for name in COPIED:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
            copy(ROOT / name, tree / name)
        (tree / ".cache").symlink_to(ROOT / ".cache")
        mutation.apply(tree)
        return dict(entry for test in mutation.tests for entry in _failed(test, tree))


def _failed(test: str, tree: Path) -> list[tuple[str, bool]]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=line", f"--basetemp={tree / 'pytest'}", test]
    environment = {**os.environ, "PYTHONPATH": str(tree), "CHAOS": "1"}
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1) or re.search(r"\d+ skipped", done.stdout):
        raise RuntimeError(f"{test} did not run:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    failures = re.findall(r"^(?:FAILED|ERROR) \S+::(\w+)", done.stdout, re.MULTILINE)
    return [(failure, True) for failure in failures] or [(test, False)]


def main(names: Sequence[str]) -> int:
    """The exit status."""
    survived = []
    for mutation in MUTATIONS:
        if names and mutation.name not in names:
            continue
        tests = caught_by(mutation)
        told = [test for test, failed in tests.items() if failed]
        survived += [] if told else [mutation.name]
        print(f"{mutation.name}: " + ("caught by " + ", ".join(told) if told else "SURVIVED"), flush=True)
        for test in (test for test, failed in tests.items() if not failed):
            print(f"    not seen by {test}", flush=True)
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
