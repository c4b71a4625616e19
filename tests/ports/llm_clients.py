"""Every kind of `LLMClient`, opened as the settings open it, and what the tests ask them."""

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, aclosing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from kit.adapters.open_llm import open_llm
from kit.fakes.embedding import HashEmbedding
from kit.ports.llm import Completion, CompletionRequest, Grounding, LLMClient, Message, Role
from kit.settings import LLMProvider, LLMSettings
from workbench.stack import llama
from workbench.stack.ports import free_port
from workbench.stack.process import running

PASSAGE = "Travel expenses are paid within 14 days of filing."
QUESTION = "When are travel expenses paid?"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"days": {"type": "integer", "minimum": 1}},
    "required": ["days"],
    "additionalProperties": False,
}
REMOTE = (LLMProvider.OPENAI, LLMProvider.ANTHROPIC, LLMProvider.OPENAI_COMPATIBLE)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server of models answers."""

    url: str
    key: str = "k"
    model: str = "some-model"


def settings(setup: LLMProvider | None, at: Address, **changes: object) -> LLMSettings:
    """The settings that set up one provider, or all, to answer from that address, and choose it, or none."""
    values: dict[str, object] = {"provider": setup}
    for name in (each.replace("-", "_") for each in REMOTE if setup in (each, None)):
        values |= {f"{name}_api_key": SecretStr(at.key), f"{name}_base_url": at.url, f"{name}_model": at.model}
    return LLMSettings.model_validate({**values, **changes})


def opened(provider: LLMProvider | None, at: Address, **changes: object) -> AbstractAsyncContextManager[LLMClient]:
    """The client that the settings choose."""
    return open_llm(settings(provider, at, **changes), HashEmbedding())


def asking(question: str = QUESTION, max_tokens: int = 100, **changes: Any) -> CompletionRequest:
    """A question over one passage."""
    turns = [(Role.USER, "Hello"), (Role.ASSISTANT, "Hello!"), (Role.USER, f"{PASSAGE} {question}")]
    messages = tuple(Message(role, content) for role, content in [(Role.SYSTEM, "Be brief."), *turns])
    return CompletionRequest(messages, Grounding(question, (PASSAGE,)), max_tokens, **changes)


async def streamed(llm: LLMClient, request: CompletionRequest) -> tuple[list[str], Completion]:
    """The pieces of a stream and the completion at its end."""
    async with aclosing(llm.stream(request)) as stream:
        *pieces, last = [piece async for piece in stream]
    assert isinstance(last, Completion)
    return [piece for piece in pieces if isinstance(piece, str)], last


async def asked(how: str, provider: LLMProvider, url: str, model: str, **changes: object) -> Completion:
    """What `model` of the server answers, at once or (`how`) in a stream."""
    async with opened(provider, Address(url, model=model), **changes) as llm:
        return await llm.complete(asking()) if how == "complete" else (await streamed(llm, asking()))[1]


@contextmanager
def local_model(folder: Path) -> Iterator[Address]:
    """SmolLM2 on llama.cpp, as `workbench up --local-llm` runs it."""
    port = free_port()
    with running(llama.command(folder, port, "secret"), folder / "logs") as server:
        server.wait_ready(within_s=120)
        yield Address(llama.url(port), "secret", llama.MODEL)
