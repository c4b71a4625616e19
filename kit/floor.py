"""What every service stands on while it runs: its database, its publisher and the relay between them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import asyncpg

from kit.broker import KafkaPublisher, open_publisher
from kit.clock import Clock, SystemClock
from kit.effects import Effects
from kit.failpoints import Failpoints
from kit.health import Health
from kit.ids import IdSource, new_id
from kit.migrations import migrate
from kit.periodic import periodically
from kit.postgres import open_pool, ping
from kit.relay import Relay
from kit.settings import ServiceSettings

T = TypeVar("T")
_HOUR_S = 3600.0
Job = Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Floor:
    """The open resources that all services share in kind."""

    service: str
    pool: asyncpg.Pool
    publisher: KafkaPublisher
    effects: Effects
    health: Health
    clock: Clock
    ids: IdSource
    failpoints: Failpoints


@asynccontextmanager
async def open_floor(settings: ServiceSettings, health: Health) -> AsyncIterator[Floor]:
    """Opens the pool, migrates the schema, connects the publisher and runs the relay; closes them in reverse order."""
    service, clock, failpoints = health.service, SystemClock(), Failpoints.of(settings.failpoint)
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(open_pool(settings.postgres, service))
        await migrate(pool, service)
        publisher = await stack.enter_async_context(open_publisher(settings.kafka, service))
        relay = Relay(service, pool, publisher, clock, failpoints)
        effects = Effects(service, pool, relay, clock, new_id, failpoints)
        await stack.enter_async_context(running([relay.run, partial(periodically, "inbox", effects.forget_old, _HOUR_S, clock)]))
        health.watch("postgres", partial(ping, pool))
        health.watch("kafka", publisher.ping)
        yield Floor(service, pool, publisher, effects, health, clock, new_id, failpoints)


@asynccontextmanager
async def running(jobs: Sequence[Job]) -> AsyncIterator[None]:
    """Runs jobs beside its block and cancels them after it; a job that fails takes the block down with it."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(job()) for job in jobs]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


async def given_or_opened(stack: AsyncExitStack, given: T | None, opening: AbstractAsyncContextManager[T]) -> T:
    """A part that somebody else owns, or else one that is opened here and closed by `stack`."""
    return await stack.enter_async_context(opening) if given is None else given
