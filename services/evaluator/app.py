"""The one place where evaluator's parts are chosen and put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from faststream.asgi import AsgiFastStream

from kit.floor import Floor
from kit.worker import Wiring, make_worker
from services.evaluator.handlers import handlers
from services.evaluator.request import Request
from services.evaluator.settings import Settings
from services.evaluator.store import Store

_TOGETHER = 200


def build(settings: Settings) -> AsgiFastStream:
    """The service as an app."""

    @asynccontextmanager
    async def wire(floor: Floor) -> AsyncIterator[Wiring]:
        yield Wiring(handlers(Request(Store(floor.effects))), together=_TOGETHER)

    return make_worker("evaluator", settings, wire)
