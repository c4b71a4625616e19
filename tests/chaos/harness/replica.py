"""A service process that is started again at once whenever it has died, as an orchestrator would."""

import asyncio
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import httpx

from workbench.stack.ports import HOST, free_port
from workbench.stack.process import isolation

ROOT = Path(__file__).parents[3]
READY_WITHIN_S = 60
STOP_WITHIN_S = 60
_LOOK_S = 0.01
# Between two starts that fail, for instance while the database is away.
_PAUSE_S = 0.5


@dataclass(frozen=True, slots=True)
class Death:
    """A replica was killed: when (monotonic seconds), and how many records were done by then and not committed."""

    at: float
    in_hand: int


@dataclass
class Replica:
    """One process of `service`, and those that come after it. Each start takes the next of `failpoints`, as long as there are any.

    `in_hand` is asked at each death.
    """

    service: str
    settings: Mapping[str, str]
    log: Path
    in_hand: Callable[[], Awaitable[int]]
    failpoints: deque[str] = field(default_factory=deque)
    deaths: list[Death] = field(default_factory=list)
    exits: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._port = free_port()
        self._start()
        self._watch = asyncio.create_task(self._keep_running())

    def _start(self) -> None:
        own = {"HTTP__PORT": str(self._port), **({"FAILPOINT": self.failpoints.popleft()} if self.failpoints else {})}
        arguments = isolation(None)
        arguments["env"] |= {f"{self.service.upper()}_{name}": value for name, value in {**self.settings, **own}.items()}
        with self.log.open("ab") as stream:
            self.process = subprocess.Popen([sys.executable, "-m", f"services.{self.service}"], cwd=ROOT, stderr=stream, **arguments)

    async def _keep_running(self) -> None:
        while True:
            code = self.process.poll()
            if code is not None:
                await self._died(code)
            await asyncio.sleep(_LOOK_S)

    async def _died(self, code: int) -> None:
        if code == -signal.SIGKILL:
            at = monotonic()
            self._start()
            # The next process takes a second to import what it needs before it can change anything.
            self.deaths.append(Death(at, await self.in_hand()))
        else:
            self.exits.append(code)
            await asyncio.sleep(_PAUSE_S)
            self._start()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{HOST}:{self._port}"

    async def ready(self) -> None:
        """Returns once the service says it is ready. Raises TimeoutError."""
        async with asyncio.timeout(READY_WITHIN_S), httpx.AsyncClient(base_url=self.url) as http:
            while True:
                with suppress(httpx.TransportError):
                    if (await http.get("/readyz")).status_code == 200:
                        return
                await asyncio.sleep(0.05)

    async def died(self, times: int, within_s: float) -> Death:
        """It was killed for that time. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            while len(self.deaths) < times:
                await asyncio.sleep(_LOOK_S)
        return self.deaths[times - 1]

    def kill(self) -> None:
        """SIGKILL; it is started again."""
        self.process.kill()

    def pause(self) -> None:
        """It stands still."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """It goes on where it stood."""
        self.process.send_signal(signal.SIGCONT)

    async def stop(self) -> int:
        """SIGTERM, and it stays away; gives its exit status. Raises TimeoutError if it does not end."""
        self._watch.cancel()
        if self.process.poll() is None:
            self.process.terminate()
        async with asyncio.timeout(STOP_WITHIN_S):
            while (code := self.process.poll()) is None:
                await asyncio.sleep(_LOOK_S)
        return code

    async def restart(self) -> int:
        """SIGTERM, then the next process; gives the exit status of the one that was stopped."""
        code = await self.stop()
        self._start()
        self._watch = asyncio.create_task(self._keep_running())
        return code

    def end(self) -> None:
        """Whatever its state, it is gone."""
        self._watch.cancel()
        self.process.kill()
        self.process.wait()


def lines_with(logs: Sequence[Path], event: str) -> int:
    """How often replicas logged `event`."""
    return sum(f'"event": "{event}"' in line for log in logs for line in log.read_text(errors="replace").splitlines())
