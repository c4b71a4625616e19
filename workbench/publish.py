"""Writes what the contracts promise, or checks it: `python -m workbench.publish [--check]`.

The products are `contracts/schemas/*.json`, `contracts/asyncapi.json` and `contracts/openapi.json`.
"""

import argparse
import difflib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from fastapi import FastAPI
from pydantic import SecretStr

import contracts
from contracts import asyncapi
from contracts.schema import file_stem, writers_schema
from contracts.topics import EVENT_TYPES
from kit.settings import BlobSettings, KafkaSettings, PostgresSettings, RedisSettings, VectorSettings
from services.rag.app import build
from services.rag.settings import Settings

FOLDER = Path(contracts.__file__).parent


def products() -> dict[Path, str]:
    """The text of every product by its path below `contracts/`."""
    schemas = {Path("schemas", f"{file_stem(event)}.json"): writers_schema(event) for event in EVENT_TYPES.values()}
    documents = {**schemas, Path("asyncapi.json"): asyncapi.document(), Path("openapi.json"): app().openapi()}
    return {path: json.dumps(document, indent=2, ensure_ascii=False) + "\n" for path, document in documents.items()}


def app() -> FastAPI:
    """The HTTP entry before it starts: nothing is connected to, so the servers named here need not exist."""
    settings = Settings(
        kafka=KafkaSettings(bootstrap_servers="127.0.0.1:1"),
        postgres=PostgresSettings(dsn=SecretStr("postgresql://nowhere")),
        redis=RedisSettings(url=SecretStr("redis://nowhere")),
        blobs=BlobSettings(url="file:///nowhere"),
        vectors=VectorSettings(url="http://nowhere"),
    )
    return build(settings)


def write(folder: Path, wanted: dict[Path, str]) -> None:
    """Makes the products in `folder` be `wanted` and nothing else."""
    for path in _stale(folder, wanted):
        (folder / path).unlink()
    for path, text in wanted.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")


def drift(folder: Path, wanted: dict[Path, str]) -> str:
    """A unified diff from the products in `folder` to `wanted`; empty if they are the same."""
    pairs = [(path, _text(folder / path), text) for path, text in wanted.items()]
    pairs += [(path, _text(folder / path), "") for path in _stale(folder, wanted)]
    return "".join(_diff(*pair) for pair in pairs)


def main(arguments: Sequence[str], folder: Path = FOLDER) -> str | None:
    """Gives the diff and what to do about it if `--check` finds drift: with it the process exits 1."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; print a diff and exit 1 on drift")
    if not parser.parse_args(arguments).check:
        write(folder, products())
        return None
    found = drift(folder, products())
    return (
        f"{found}\nThe committed contracts are not what the code makes: run `make contracts`, and review what changed." if found else None
    )


def _stale(folder: Path, wanted: dict[Path, str]) -> list[Path]:
    there = (path.relative_to(folder) for path in sorted(folder.glob("schemas/*.json")))
    return [path for path in there if path not in wanted]


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _diff(path: Path, old: str, new: str) -> str:
    return "".join(difflib.unified_diff(old.splitlines(True), new.splitlines(True), f"committed/{path}", f"generated/{path}"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
