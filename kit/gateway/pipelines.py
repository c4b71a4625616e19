"""A pipeline for each model: retries, breaker, gate, what the service wraps around a try, telemetry, provider."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from opentelemetry.trace import Tracer

from kit.clock import Clock
from kit.gateway.breaker import Breaker
from kit.gateway.gate import Gate, Places
from kit.gateway.retries import Retries
from kit.gateway.settings import GatewaySettings
from kit.gateway.telemetry import Observed, forget
from kit.ports.llm import LLMClient, ModelRef

Wrap = Callable[[LLMClient], LLMClient]


class Models(Protocol):
    """Promise: `default` is who is asked if a request names no model, in this order and never empty."""

    @property
    def default(self) -> tuple[ModelRef, ...]:
        """Those of the settings."""
        ...

    def client(self, ref: ModelRef) -> LLMClient:
        """The bare client of a model. Raises Permanent for a provider that is unknown or has no key."""
        ...


@dataclass
class Pipelines:
    """The pipelines of the models that were asked last, `settings.kept_models` of them; the gates are one for each provider."""

    models: Models
    settings: GatewaySettings
    clock: Clock
    chance: Callable[[], float]
    tracer: Tracer
    wrap: Wrap
    _kept: OrderedDict[ModelRef, LLMClient] = field(default_factory=OrderedDict)
    _places: dict[str, Places] = field(default_factory=dict)

    def of(self, ref: ModelRef) -> LLMClient:
        """The pipeline of this model. Raises what `models.client` does."""
        if ref not in self._kept:
            self._kept[ref] = self._assemble(ref)
        self._kept.move_to_end(ref)
        if len(self._kept) > self.settings.kept_models:
            _, dropped = self._kept.popitem(last=False)
            forget(dropped.provider, dropped.model)
        return self._kept[ref]

    def _assemble(self, ref: ModelRef) -> LLMClient:
        tried = self.wrap(Observed(self.models.client(ref), self.clock, self.tracer))
        places = self._places.setdefault(ref.provider, Places(ref.provider, self.settings.gate))
        guarded = Breaker(Gate(tried, places), self.settings.breaker, self.clock)
        return Retries(guarded, self.settings.retries, self.clock, self.chance)
