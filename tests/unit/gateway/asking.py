"""What the tests of the gateway ask, and whom."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from opentelemetry import trace

from kit.clock import Clock, FakeClock
from kit.errors import DependencyDown, Permanent, Transient
from kit.fakes.llm import Line, ScriptedLLM
from kit.gateway.gateway import Gateway
from kit.gateway.pipelines import Pipelines, Wrap
from kit.gateway.settings import GatewaySettings
from kit.ports.llm import CompletionRequest, LLMClient, Message, ModelRef, Role

FIRST, SECOND, THIRD = ModelRef("openai", "big"), ModelRef("anthropic", "small"), ModelRef("extractive", "none")


def failed() -> Transient:
    """A 5xx."""
    return Transient("llm_failed", "it failed")


def timed_out() -> DependencyDown:
    """No answer."""
    return DependencyDown("llm_timeout", "it is late")


def refused() -> Permanent:
    """A 400."""
    return Permanent("llm_request_refused", "it is a bad request")


def ask(text: str = "What now?", **changes: Any) -> CompletionRequest:
    """A request with one message."""
    return CompletionRequest(messages=(Message(Role.USER, text),), **changes)


async def said(client: LLMClient, request: CompletionRequest) -> list[str]:
    """The pieces of a stream, without the completion."""
    return [piece async for piece in client.stream(request) if isinstance(piece, str)]


@dataclass
class Scripts:
    """`Models` that are scripts; the first three are asked by default. `made` counts the clients."""

    lines: Mapping[ModelRef, list[Line]]
    clients: dict[ModelRef, ScriptedLLM] = field(default_factory=dict)
    made: int = 0
    takes_s: float = 0.0

    @property
    def default(self) -> tuple[ModelRef, ...]:
        return tuple(self.lines)[:3]

    def client(self, ref: ModelRef) -> LLMClient:
        if ref not in self.lines:
            raise Permanent("llm_settings_incomplete", f"{ref.provider} has no key")
        self.made += 1
        script = ScriptedLLM(self.lines[ref], provider=ref.provider, model=ref.model, takes_s=self.takes_s)
        return self.clients.setdefault(ref, script)


def gateway(models: Scripts, *, wrap: Wrap = lambda client: client, clock: Clock | None = None, **settings: Any) -> Gateway:
    """A gateway over scripts that tries once and never sleeps, unless told otherwise."""
    chosen = GatewaySettings.model_validate({"retries": {"attempts": 1}} | settings)
    return Gateway(Pipelines(models, chosen, clock or FakeClock(), lambda: 0.5, trace.NoOpTracer(), wrap))
