"""Whether a service is alive, and whether what it needs answers."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Any

from faststream.asgi import AsgiResponse, get
from prometheus_client import make_asgi_app

from kit.errors import WorkbenchError

Check = Callable[[], Awaitable[Any]]
Complaint = Callable[[], Awaitable[str | None]]

DEADLINE_S = 2.0
BUILD_VERSION = version("llm-research-workbench")


class Health:
    """The dependencies of one service by name, each with a check that raises if it does not answer.

    `alive` tells why the process should be restarted, or None.
    """

    def __init__(self, service: str) -> None:
        self.service = service
        self.alive: Complaint = _no_complaint
        self._checks: dict[str, Check] = {}
        self._spared: set[str] = set()

    def watch(self, name: str, check: Check, *, spared: bool = False) -> None:
        """Adds a dependency; one that can be `spared` is told of, and the service is ready without it."""
        self._checks[name] = check
        if spared:
            self._spared.add(name)

    async def dependencies(self) -> dict[str, str]:
        """Asks every dependency at once: `ok`, or what is wrong. None before the service has started."""
        states = await asyncio.gather(*(self._ask(check) for check in self._checks.values()))
        return dict(zip(self._checks, states, strict=True))

    async def ready(self) -> tuple[bool, dict[str, str]]:
        """Whether the service has started and all it cannot do without answers, and what each dependency said."""
        states = await self.dependencies()
        return bool(states) and all(state == "ok" for name, state in states.items() if name not in self._spared), states

    @staticmethod
    async def _ask(check: Check) -> str:
        try:
            await asyncio.wait_for(check(), DEADLINE_S)
        except TimeoutError:
            return f"no answer within {DEADLINE_S:g} s"
        except (WorkbenchError, OSError, RuntimeError, ValueError) as error:
            return str(error) or type(error).__name__
        return "ok"


def worker_routes(health: Health) -> list[tuple[str, Any]]:
    """The paths of a worker, which has no other HTTP: /livez, /readyz, /version, /metrics."""

    @get
    async def livez(_: Any) -> AsgiResponse:
        complaint = await health.alive()
        return _json(503 if complaint else 200, {"status": complaint or "ok", "service": health.service})

    @get
    async def readyz(_: Any) -> AsgiResponse:
        ready, dependencies = await health.ready()
        return _json(200 if ready else 503, {"status": "ok" if ready else "not_ready", "dependencies": dependencies})

    @get
    async def build(_: Any) -> AsgiResponse:
        return _json(200, {"service": health.service, "version": BUILD_VERSION})

    return [("/livez", livez), ("/readyz", readyz), ("/version", build), ("/metrics", make_asgi_app())]


async def _no_complaint() -> str | None:
    return None


def _json(status: int, body: object) -> AsgiResponse:
    return AsgiResponse(json.dumps(body).encode(), status, {"content-type": "application/json"})
