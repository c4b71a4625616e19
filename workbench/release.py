"""Records the working tree as a release: `python -m workbench.release VERSION`, such as 0.2.0.

A release is a folder `contracts/released/<version>/` with the schemas and examples of every event and the queries of every service:
what programs out there hold us to from then on. It is never edited. `contracts/released/README.md` says how a release is made.
"""

import argparse
import json
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import contracts
from workbench.inclusion import Schema

CONTRACTS = Path(contracts.__file__).parent
ROOT = CONTRACTS.parent

Schemas = dict[str, Schema]


def releases(folder: Path = CONTRACTS) -> list[Path]:
    """The folders of all releases of the contracts in `folder`, oldest first."""
    return sorted((path for path in folder.glob("released/*") if path.is_dir()), key=lambda path: _number(path.name))


def schemas_of(release: Path) -> Schemas:
    """The released writer's schemas by the names of their events."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(release.glob("schemas/*.json"))}


def record(version: str, folder: Path = CONTRACTS) -> Path:
    """Copies what is released to its folder and gives that. Raises ValueError if `version` is no number, or not above every release."""
    number, last = _number(version), releases(folder)[-1:]
    if last and number <= _number(last[0].name):
        raise ValueError(f"{version} is not above the last release, {last[0].name}; a release is never edited")
    release = folder / "released" / version
    for kind in ("schemas", "examples"):
        shutil.copytree(folder / kind, release / kind)
    (release / "queries").mkdir()
    for queries in (ROOT / "kit/queries.sql", *sorted(ROOT.glob("services/*/queries.sql"))):
        shutil.copy(queries, release / "queries" / f"{queries.parent.name}.sql")
    return release


def main(arguments: Sequence[str]) -> str | None:
    """Gives what is wrong with the version, if anything: with it the process exits 1. Run `make check` before: this is a promise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("version")
    try:
        release = record(parser.parse_args(arguments).version)
    except ValueError as error:
        return str(error)
    print(f"recorded in {release.relative_to(ROOT)}; commit it")
    return None


def _number(version: str) -> tuple[int, ...]:
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise ValueError(f"{version!r} is not a version such as 0.2.0")
    return tuple(int(part) for part in version.split("."))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
