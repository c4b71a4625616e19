"""The whole stack around a piece of work: held folder, servers, topics, services, and all of it stopped in reverse order."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar

from kit.logs import configure_logs
from kit.topics import create_topics
from kit.tracing import configure_tracing
from workbench.stack.folder import Addresses, Folder, Owner
from workbench.stack.servers import Servers, end_servers_left_in, running_servers
from workbench.stack.services import running_services
from workbench.stack.settings import embedded_settings

T = TypeVar("T")
Work = Callable[[Addresses], Awaitable[T]]

_WATCH_EVERY_S = 0.5


def with_stack(folder: Folder, owner: Owner, work: Work[T], *, port: int = 0, fresh: bool = False, local_llm: bool = False) -> T:
    """Runs `work` while the stack runs with its data in `folder` (forgotten first if `fresh`), stops everything, gives what work gave.

    `owner` holds the folder. Raises DependencyDown `server_failed` with the end of its log if a server does not start or dies, what a
    service raises, KeyboardInterrupt on SIGINT, SIGTERM and SIGHUP. Call it from the main thread.
    """
    with _interruptible():
        if fresh:
            end_servers_left_in(folder.root)
            folder.forget()
        with running_servers(folder.root, local_llm) as servers, _logs_in(folder):
            try:
                return asyncio.run(_run(folder, owner, servers, work, port))
            except BaseExceptionGroup as group:
                raise _first(group) from group


async def _run(folder: Folder, owner: Owner, servers: Servers, work: Work[T], port: int) -> T:
    folder.blobs.mkdir(exist_ok=True)
    await create_topics(servers.kafka)
    settings = embedded_settings(servers, folder)
    configure_tracing("workbench", settings.rag.otlp_endpoint)
    async with _watched(servers), running_services(settings, port) as http:
        addresses = Addresses(http, servers.kafka, servers.dsn(), servers.redis, folder.blobs.as_uri())
        folder.publish(owner, addresses)
        return await work(addresses)


@asynccontextmanager
async def _watched(servers: Servers) -> AsyncIterator[None]:
    """Takes the block down with the first server that dies."""

    async def watch() -> None:
        while True:
            servers.check()
            await asyncio.sleep(_WATCH_EVERY_S)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(watch())
        try:
            yield
        finally:
            task.cancel()


@contextmanager
def _interruptible() -> Iterator[None]:
    """Lets SIGTERM, and the end of the terminal, do what Ctrl-C does; also in the background of a script, where SIGINT is ignored."""
    handlers: dict[signal.Signals, Any] = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: _interrupt, signal.SIGHUP: _interrupt}
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        del handlers[signal.SIGHUP]  # nohup
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(*_: object) -> None:
    signal.raise_signal(signal.SIGINT)


@contextmanager
def _logs_in(folder: Folder) -> Iterator[None]:
    """Keeps the terminal for the command's own words."""
    with folder.services_log.open("w") as stream:
        configure_logs("INFO", stream)
        try:
            yield
        finally:
            logging.getLogger().handlers.clear()


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """What went wrong first: the rest of a group was cancelled because of it."""
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
