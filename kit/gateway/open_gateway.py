"""Puts the steps of the gateway together."""

import asyncio
import random
from collections.abc import Callable

from opentelemetry import trace
from opentelemetry.trace import Tracer

from kit.clock import Clock
from kit.gateway.cassette import Cassette
from kit.gateway.gateway import Gateway
from kit.gateway.pipelines import Models, Pipelines, Wrap
from kit.gateway.recording import Recording, Replaying
from kit.gateway.settings import CassetteMode, CassetteSettings, GatewaySettings
from kit.gateway.structured import Structured
from kit.ports.llm import LLMClient


async def open_gateway(
    models: Models,
    settings: GatewaySettings,
    clock: Clock,
    wrap: Wrap,
    chance: Callable[[], float] = random.random,
    tracer: Tracer | None = None,
) -> LLMClient:
    """The gateway over `models`; `wrap` is put around every try of every model. Raises Permanent for a cassette that cannot be used."""
    pipelines = Pipelines(models, settings, clock, chance, tracer or trace.get_tracer(__name__), wrap)
    return await _with_cassette(Structured(Gateway(pipelines)), settings.cassette)


async def _with_cassette(client: LLMClient, settings: CassetteSettings) -> LLMClient:
    if settings.path is None or settings.mode is CassetteMode.OFF:
        return client
    cassette = Cassette(settings.path)
    if settings.mode is CassetteMode.REPLAY:
        return Replaying(client, await asyncio.to_thread(cassette.read), str(cassette.path))
    await asyncio.to_thread(cassette.prepare)
    return Recording(client, cassette)
