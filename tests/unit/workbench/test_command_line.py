"""The command line as a script sees it: exit codes and standard output."""

import json
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import pytest

from workbench.cli import main
from workbench.stack.folder import Addresses, Folder

ADDRESSES = Addresses(
    "http://127.0.0.1:1", "127.0.0.1:2", "postgresql://postgres:s@127.0.0.1:3/workbench", "redis://:s@127.0.0.1:4/0", "file:///b"
)


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path) -> Iterator[None]:
    with chdir(tmp_path):
        yield


def run(*arguments: str) -> int | str | None:
    """Runs the command line in this process; gives its exit code."""
    with pytest.raises(SystemExit) as left:
        main(arguments)
    return left.value.code


@pytest.mark.parametrize("arguments", [["status"], ["status", "--json"], ["documents"], ["ask", "why?"], ["search", "why"]])
def test_without_a_stack_the_exit_code_is_3(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """The error says how to start one, and standard output stays empty."""
    code = run(*arguments)

    assert code == 3
    assert capsys.readouterr().out == ""


def test_a_wrong_command_line_exits_2() -> None:
    """As every command line does."""
    assert run("ask") == 2
    assert run("ingest", "no-such-file.md") == 2


def test_a_workbench_that_does_not_answer_exits_1(capsys: pytest.CaptureFixture[str]) -> None:
    """One sentence on standard error."""
    code = run("documents", "--url", "http://127.0.0.1:1")

    assert code == 1
    assert capsys.readouterr().err.startswith("Error: http://127.0.0.1:1 does not answer")


def test_the_status_for_a_script_is_the_addresses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the passwords, and without what there is none of."""
    folder = Folder(tmp_path / ".workbench")
    with folder.held() as owner:
        folder.publish(owner, ADDRESSES)
        code = run("status", "--json")

    told = json.loads(capsys.readouterr().out)
    assert code == 0
    assert set(told) == {"http", "kafka", "postgres", "redis", "blobs"}
    assert told["postgres"] == ADDRESSES.postgres
