"""The one place where feedback's parts are chosen and put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from faststream.asgi import AsgiFastStream

from kit.floor import Floor
from kit.worker import Wiring, make_worker
from services.feedback.handlers import handlers
from services.feedback.rate import Rate
from services.feedback.settings import Settings
from services.feedback.store import Store

_TOGETHER = 200


def build(settings: Settings) -> AsgiFastStream:
    """The service as an app."""

    @asynccontextmanager
    async def wire(floor: Floor) -> AsyncIterator[Wiring]:
        yield Wiring(handlers(Rate(Store(floor.effects))), together=_TOGETHER)

    return make_worker("feedback", settings, wire)
