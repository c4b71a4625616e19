"""Asks one model after another, until one answers."""

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field, replace

import structlog

from kit.errors import WorkbenchError
from kit.gateway.faults import PASSING, another_model_may_answer
from kit.gateway.pipelines import Pipelines
from kit.metrics import LLM_FAILOVERS
from kit.ports.llm import Completion, CompletionRequest, Failover, ModelRef

log = structlog.get_logger(__name__)


class Gateway:
    """`LLMClient` over all models: those of the request in their order, or those of the settings.

    A completion tells in `failovers` who was asked before and why not. When none answers it raises the last error that may pass, or else
    the last, and names all that were asked. A stream is not begun again once a piece was handed on.
    """

    def __init__(self, pipelines: Pipelines) -> None:
        self._pipelines = pipelines
        self.provider, self.model = pipelines.models.default[0].provider, pipelines.models.default[0].model

    async def complete(self, request: CompletionRequest) -> Completion:
        asked = _Asked()
        for ref in self._chain(request):
            try:
                return asked.told(await self._pipelines.of(ref).complete(request))
            except WorkbenchError as error:
                asked.failed(ref, error)
        raise asked.verdict()

    async def stream(self, request: CompletionRequest) -> AsyncGenerator[str | Completion, None]:
        asked, handed_on = _Asked(), False
        for ref in self._chain(request):
            try:
                async with aclosing(self._pipelines.of(ref).stream(request)) as pieces:
                    async for piece in pieces:
                        handed_on = True
                        yield asked.told(piece) if isinstance(piece, Completion) else piece
            except WorkbenchError as error:
                if handed_on:
                    raise
                asked.failed(ref, error)
            else:
                return
        raise asked.verdict()

    def _chain(self, request: CompletionRequest) -> Iterator[ModelRef]:
        return iter(dict.fromkeys(request.models or self._pipelines.models.default))


@dataclass
class _Asked:
    """Who was asked and did not answer."""

    errors: dict[ModelRef, WorkbenchError] = field(default_factory=dict)

    def told(self, completion: Completion) -> Completion:
        """With who was asked before."""
        if not self.errors:
            return completion
        return replace(completion, failovers=tuple(Failover(ref, error.code) for ref, error in self.errors.items()))

    def failed(self, ref: ModelRef, error: WorkbenchError) -> None:
        """Notes it. Raises the error if nobody else could do better."""
        self.errors[ref] = error
        if not another_model_may_answer(error):
            raise self._named(error)
        LLM_FAILOVERS.labels(ref.provider, error.code).inc()
        log.warning("llm.model_failed", model=str(ref), code=error.code)

    def verdict(self) -> WorkbenchError:
        """The error of all together: one that may pass, if there is any, since another time that model may answer."""
        errors = list(self.errors.values())
        return self._named(next((error for error in reversed(errors) if isinstance(error, PASSING)), errors[-1]))

    def _named(self, error: WorkbenchError) -> WorkbenchError:
        if len(self.errors) == 1:
            return error
        asked = ", ".join(f"{ref} ({failed.code})" for ref, failed in self.errors.items())
        named = type(error)(error.code, f"{error.message}; asked in vain: {asked}", error.after_s)
        named.__cause__ = error
        return named
