"""What the gateway adds to a call of a language model: the same server, the same SDK, with it and without, in turns."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any

from openai import AsyncOpenAI
from pydantic import SecretStr

from kit.adapters.open_llm import open_providers
from kit.clock import SystemClock
from kit.fakes.embedding import HashEmbedding
from kit.gateway.open_gateway import open_gateway
from kit.gateway.settings import GateSettings, GatewaySettings
from kit.ports.llm import CompletionRequest, LLMClient, Message, Role
from kit.settings import LLMProvider, LLMSettings
from tests.bench.load import percentiles
from tests.bench.model_server import running_model_server
from tests.bench.raw import ROOT
from tests.bench.report import Figure, MeasurementFailed, Peer, Target
from tests.bench.turns import Call, take_turns
from tests.bench.workspace import Workspace

MODEL, QUESTION, MAX_TOKENS = "gpt-4o-mini", "How long is there to answer a filing?", 64
# `whole-N`: answers, N at a time; `first-1`: until the first piece of a stream.
LOADS: Mapping[str, int] = MappingProxyType({"whole-1": 400, "whole-16": 640, "whole-64": 1024, "first-1": 240})
LITELLM_PYTHON = "BENCH_LITELLM_PYTHON"
GOAL_MS = 1.0

Taken = Mapping[str, Mapping[str, list[float]]]


async def measure(workspace: Workspace) -> list[Figure]:
    """Milliseconds added to the SDK, beside what LiteLLM adds to its own if `BENCH_LITELLM_PYTHON` has it."""
    async with running_model_server() as url:
        workspace.tell("the SDK and the gateway in turns")
        ours = await _ours(url)
        python = os.environ.get(LITELLM_PYTHON)
        if python:
            workspace.tell("LiteLLM and its SDK in turns")
        theirs = await _litellm(python, url) if python else None
    return [_figure(load, ours, theirs) for load in LOADS]


async def _ours(url: str) -> Taken:
    async with AsyncOpenAI(api_key="none", base_url=url, max_retries=0) as sdk, _gateway(url) as gateway:
        return {load: await take_turns(_calls(load, sdk, gateway), _at_once(load), count) for load, count in LOADS.items()}


@asynccontextmanager
async def _gateway(url: str) -> AsyncIterator[LLMClient]:
    llm = LLMSettings(provider=LLMProvider.OPENAI, openai_api_key=SecretStr("none"), openai_base_url=url, openai_model=MODEL)
    settings = GatewaySettings(gate=GateSettings(at_once=max(map(_at_once, LOADS))))
    async with open_providers(llm, HashEmbedding()) as providers:
        yield await open_gateway(providers, settings, SystemClock(), wrap=lambda client: client)


def _calls(load: str, sdk: AsyncOpenAI, gateway: LLMClient) -> dict[str, Call]:
    asked: dict[str, Any] = {
        "model": MODEL,
        "messages": [{"role": "user", "content": QUESTION}],
        "max_tokens": MAX_TOKENS,
        "temperature": 0.0,
    }
    request = CompletionRequest((Message(Role.USER, QUESTION),), max_tokens=MAX_TOKENS)

    async def sdk_whole() -> float:
        began = time.perf_counter()
        await sdk.chat.completions.create(**asked)
        return _ms_since(began)

    async def gateway_whole() -> float:
        began = time.perf_counter()
        await gateway.complete(request)
        return _ms_since(began)

    async def sdk_first() -> float:
        began, firsts = time.perf_counter(), list[float]()
        async for chunk in await sdk.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}):
            firsts += [_ms_since(began)] if not firsts and chunk.choices[0].delta.content else []
        return firsts[0]

    async def gateway_first() -> float:
        began, firsts = time.perf_counter(), list[float]()
        async for _ in gateway.stream(request):
            firsts += [] if firsts else [_ms_since(began)]
        return firsts[0]

    return {"sdk": sdk_first, "gateway": gateway_first} if load.startswith("first") else {"sdk": sdk_whole, "gateway": gateway_whole}


async def _litellm(python: str, url: str) -> Taken:
    pipe = asyncio.subprocess.PIPE
    command = (python, "-m", "tests.bench.litellm_sdk", url, json.dumps(dict(LOADS)))
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=pipe, stderr=pipe)
    out, err = await process.communicate()
    if process.returncode != 0:
        raise MeasurementFailed(f"{LITELLM_PYTHON}={python} ended with {process.returncode}: {err.decode()[-500:]}")
    taken: Taken = json.loads(out.splitlines()[-1])
    return taken


def _figure(load: str, ours: Taken, theirs: Taken | None) -> Figure:
    at_once = _at_once(load)
    name = "LLM gateway, added to the first piece" if load.startswith("first") else f"LLM gateway, added to the SDK x{at_once}"
    target = Target(GOAL_MS) if at_once == 1 else Target(1, of_ratio=True) if theirs else None
    peer = Peer("LiteLLM adds", _added(theirs[load], "litellm")["p50"]) if theirs else None
    note = _told(ours[load]) + (f"; beside it {_told(theirs[load])}" if theirs else f"; set {LITELLM_PYTHON} to a Python that has LiteLLM")
    return Figure(name, "ms", _added(ours[load], "gateway"), len(ours[load]["gateway"]), "calls", peer, target, note=note)


def _told(taken: Mapping[str, list[float]]) -> str:
    found = {name: percentiles(times) for name, times in taken.items()}
    return ", ".join(f"{name} p50 {times['p50']:.2f} p95 {times['p95']:.2f} ms" for name, times in found.items())


def _added(taken: Mapping[str, list[float]], name: str) -> dict[str, float]:
    with_it, without = percentiles(taken[name]), percentiles(taken["sdk"])
    return {p: with_it[p] - without[p] for p in ("p50", "p95")}


def _at_once(load: str) -> int:
    return int(load.split("-")[1])


def _ms_since(began: float) -> float:
    return (time.perf_counter() - began) * 1000
