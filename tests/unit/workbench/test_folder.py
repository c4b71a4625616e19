"""The data folder: one owner at a time, who says where the stack answers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kit.clock import FakeClock
from workbench.errors import NoStack, StackRuns
from workbench.stack.folder import Addresses, Folder

ADDRESSES = Addresses(
    "http://127.0.0.1:1", "127.0.0.1:2", "postgresql://postgres:s@127.0.0.1:3/workbench", "redis://:s@127.0.0.1:4/0", "file:///b"
)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / ".workbench")


def test_a_held_folder_is_refused_with_its_owner(folder: Folder) -> None:
    """The second process learns who runs the stack, since when, and where."""
    with folder.held(FakeClock()) as owner:
        folder.publish(owner, ADDRESSES)

        with pytest.raises(StackRuns) as refused, folder.held():
            pass

    assert f"process {os.getpid()} runs it since 2026-01-01T00:00:00+00:00 at http://127.0.0.1:1" in refused.value.message


def test_a_folder_is_free_again_after_its_owner(folder: Folder) -> None:
    """Holding twice, one after the other, is no conflict."""
    with folder.held() as owner:
        folder.publish(owner, ADDRESSES)

    assert not (folder.root / "state.json").exists()
    with folder.held() as owner:
        assert owner.pid == os.getpid()


def test_the_addresses_of_a_running_stack_are_read_by_others(folder: Folder) -> None:
    """What the owner published is what another process reads."""
    with folder.held() as owner:
        folder.publish(owner, ADDRESSES)

        assert Folder(folder.root).addresses() == ADDRESSES


def test_without_a_stack_the_error_says_how_to_start_one(folder: Folder) -> None:
    """Neither a folder that is not there nor one that nobody holds has addresses."""
    with pytest.raises(NoStack, match="workbench up"):
        folder.addresses()
    with folder.held() as owner:
        folder.publish(owner, ADDRESSES)

    with pytest.raises(NoStack, match="workbench up"):
        folder.addresses()


def test_a_stack_that_is_starting_has_no_addresses_yet(folder: Folder) -> None:
    """Between the lock and the last service the folder has an owner only."""
    with folder.held():
        with pytest.raises(NoStack, match="not ready yet"):
            folder.addresses()

        assert folder.in_use()


def test_the_state_of_a_killed_owner_is_not_believed(folder: Folder) -> None:
    """A process that dies without a word leaves its state file, but not its lock."""
    script = (
        "import os, pathlib; from workbench.stack.folder import Folder\n"
        f"with Folder(pathlib.Path({str(folder.root)!r})).held(): os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", script], check=False)

    assert (folder.root / "state.json").exists()
    assert not folder.in_use()


def test_passwords_are_for_the_owner_only(folder: Folder) -> None:
    """The state file, which has the servers' addresses with their passwords, has mode 0600."""
    with folder.held() as owner:
        folder.publish(owner, ADDRESSES)

        assert (folder.root / "state.json").stat().st_mode & 0o777 == 0o600


def test_forgetting_leaves_nothing_but_the_lock(folder: Folder) -> None:
    """Data of every kind goes; the holder keeps holding."""
    with folder.held():
        (folder.root / "postgres").mkdir()
        (folder.root / "postgres" / "PG_VERSION").touch()
        (folder.root / "password").touch()

        folder.forget()

        assert {path.name for path in folder.root.iterdir()} == {"lock", "state.json"}
