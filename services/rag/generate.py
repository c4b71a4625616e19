"""Free text from a language model: one call, whole or piece by piece, and how long it took."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

import structlog

from kit.clock import Clock
from kit.errors import Permanent
from kit.ports.llm import Completion, CompletionRequest, LLMClient, ModelRef

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Generated:
    """What came back, and after how many milliseconds: all of it (`total`), and where it was streamed the `first_token`."""

    completion: Completion
    timings_ms: dict[str, float]


@dataclass(frozen=True, slots=True)
class Generation:
    """A call of `llm`; raises as that does."""

    llm: LLMClient
    request: CompletionRequest
    clock: Clock

    async def whole(self) -> Generated:
        """The text at once."""
        began = self.clock.monotonic()
        completion = await self.llm.complete(self.request)
        return self._generated(completion, began)

    async def pieces(self) -> AsyncGenerator[str | Generated, None]:
        """The text as it comes, and last the whole. Closing it ends the call."""
        began, first = self.clock.monotonic(), None
        async with aclosing(self.llm.stream(self.request)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Completion):
                    yield self._generated(piece, began, first)
                else:
                    first = first or self.clock.monotonic()
                    yield piece

    def _generated(self, completion: Completion, began: float, first: float | None = None) -> Generated:
        usage, total = completion.usage, _milliseconds(self.clock.monotonic() - began)
        log.info(
            "text.generated",
            provider=completion.provider,
            model=completion.model,
            finish_reason=completion.finish_reason,
            input_tokens=usage.input_tokens,
            output_tokens=usage.output_tokens,
            failovers=len(completion.failovers),
            total_ms=total,
        )
        return Generated(completion, ({} if first is None else {"first_token": _milliseconds(first - began)}) | {"total": total})


def chosen(llm: LLMClient, provider: str | None, model: str | None) -> tuple[ModelRef, ...]:
    """The model that is meant; nobody, which leaves it to the settings, if none is named.

    A model without provider is one of `llm`'s, and that provider without a model means `llm`'s model. Raises Permanent `llm_model_missing`.
    """
    if provider is None and model is None:
        return ()
    if model is None and provider != llm.provider:
        raise Permanent("llm_model_missing", f"name the `model` of {provider} that is to answer, too")
    return (ModelRef(provider or llm.provider, model or llm.model),)


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)
