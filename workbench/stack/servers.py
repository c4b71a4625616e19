"""The servers together: broker, database, cache and, if wanted, a language model; started at once and stopped in reverse order."""

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from workbench.stack import llama, postgres, secret, tansu, valkey
from workbench.stack.ports import HOST, free_port
from workbench.stack.process import Server, end_leftovers, running

DATABASE = "workbench"
_PROCESS_NAMES = frozenset({tansu.PROCESS_NAME, valkey.PROCESS_NAME, postgres.PROCESS_NAME, llama.PROCESS_NAME})


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the servers answer. `database` is the Postgres database that `dsn` names; `llm` the base URL of the language model.

    `password` is that of the database and the cache, and the key of the language model.
    """

    kafka: str
    redis: str = field(repr=False)
    postgres_port: int
    password: str = field(repr=False)
    processes: tuple[Server, ...]
    database: str = DATABASE
    llm: str | None = None

    def dsn(self, role: str = postgres.ADMIN) -> str:
        """The Postgres address for a role: a service's name, or the administrator."""
        return postgres.dsn(role, self.password, self.postgres_port, self.database)

    def check(self) -> None:
        """Raises DependencyDown `server_failed`, with the end of its log, if a server is not running any more."""
        for process in self.processes:
            process.check()


@contextmanager
def running_servers(folder: Path, local_llm: bool = False) -> Iterator[Servers]:
    """Runs the servers with their data in `folder` while the block runs; servers that a killed process left there are ended first.

    Only one process may use a folder at a time; the caller sees to that. Raises DependencyDown `server_failed` if one does not start.
    Call it from a thread that outlives the block (the main thread): the servers are stopped when it ends.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    end_servers_left_in(folder)
    password = secret.password(folder)
    kafka, cache, database, model = free_port(), free_port(), free_port(), free_port()
    (folder / "valkey").mkdir(exist_ok=True)
    commands = [
        tansu.command(folder, kafka),
        valkey.command(folder / "valkey", cache, password),
        postgres.command(folder / "postgres", database, password),
        *([llama.command(folder, model, password)] if local_llm else []),
    ]
    with ExitStack() as stack:
        processes = tuple(stack.enter_context(running(command, folder / "logs")) for command in commands)
        for process in processes:
            process.wait_ready()
        postgres.create_database(database, password, DATABASE)
        llm = llama.url(model) if local_llm else None
        yield Servers(f"{HOST}:{kafka}", valkey.url(cache, password), database, password, processes, llm=llm)


def end_servers_left_in(folder: Path) -> list[int]:
    """Ends servers that a killed process left running in `folder`; gives their process ids. Nobody else may be using the folder."""
    return end_leftovers(folder, _PROCESS_NAMES)


def fresh_database(servers: Servers) -> Servers:
    """The same servers with a new, empty database of its own, the services' roles and schemas in it."""
    name = f"{DATABASE}_{secrets.token_hex(4)}"
    postgres.create_database(servers.postgres_port, servers.password, name)
    return replace(servers, database=name)
