"""A server process that a test stops, kills and starts again."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from workbench.stack.process import Command, Server, running

# Java takes its time where several start at once.
READY_WITHIN_S = 120


@dataclass(slots=True)
class LocalServer:
    """What `command` runs, whenever it runs. Everything happens on `thread`: the kernel ends a process with the thread that started it."""

    command: Command
    logs: Path
    thread: ThreadPoolExecutor
    _running: ExitStack = field(default_factory=ExitStack)
    _server: Server | None = None

    def start(self) -> None:
        """Returns when it serves; harmless while it runs. Raises DependencyDown `server_failed`, with its log, if it went by itself."""
        self.thread.submit(self._start).result()

    def stop(self) -> None:
        """Returns when it is gone; harmless while it does not run."""
        self.thread.submit(self._stop).result()

    def kill(self) -> None:
        """Ends it at once (SIGKILL)."""
        if self._server is not None:
            self._server.process.kill()
        self.stop()

    def _start(self) -> None:
        if self._server is None:
            self._server = self._running.enter_context(running(self.command, self.logs))
            self._server.wait_ready(READY_WITHIN_S)
        self._server.check()

    def _stop(self) -> None:
        self._server = None
        self._running.close()


@contextmanager
def local_server(command: Command, logs: Path) -> Iterator[LocalServer]:
    """Yields the started server; it is gone after the block, or with this process, however that ends (Linux)."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix=command.name) as thread:
        server = LocalServer(command, logs, thread)
        try:
            server.start()
            yield server
        finally:
            server.stop()
