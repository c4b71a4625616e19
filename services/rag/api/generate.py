"""Generation: a language model's answer to messages or a prompt, whole or as server-sent events."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request

from contracts.queries import NamedVersion, Usage
from kit.errors import WorkbenchError
from kit.ports.llm import Caller, CompletionRequest, Message, Purpose, Role
from kit.tracing import current_trace_id
from services.rag.api import problems
from services.rag.api.generate_schemas import FailedModel, GenerateRequest, GenerateResponse, PromptCall
from services.rag.api.parts import Parts, Rag
from services.rag.api.principal import OnRun, Principal, Scope, Who, needs
from services.rag.api.streams import HEARTBEAT, EventStream, event, unless_gone, with_silences
from services.rag.generate import Generated, Generation, chosen
from services.rag.registry.entry import PRODUCTION, Reference

_STREAMED = {
    "description": "the answer; with `stream` as events generate.started, generate.delta, generate.completed, error",
    "content": {"text/event-stream": {"schema": {"type": "string"}}},
}

router = APIRouter(tags=["generation"], dependencies=[needs(Scope.GENERATE)])


@router.post("/generate", response_model=GenerateResponse, responses={200: _STREAMED})
async def generate(rag: Rag, who: Who, request: Request, body: GenerateRequest, run: OnRun = None) -> Any:
    """Asks a language model. A client that goes away ends the call. What is asked for a run is asked to judge."""
    messages, prompt = await _said(rag, who, request, body)
    generation, answer = Generation(rag.llm, _call(rag, _caller(who, request, run), body, messages), rag.clock), _Answer(request, prompt)
    if not body.stream:
        return answer.whole(await unless_gone(request, generation.whole()))
    events = answer.events(with_silences(generation.pieces(), rag.heartbeat_s))
    return EventStream(await unless_gone(request, anext(events)), events)


@dataclass(frozen=True, slots=True)
class _Answer:
    """How a request is answered; `prompt` is the one of the registry, if it was asked for."""

    request: Request
    prompt: NamedVersion | None

    async def events(self, pieces: AsyncGenerator[str | Generated | None, None]) -> AsyncGenerator[bytes, None]:
        """Raises what is wrong before the first piece, so that it has a status of its own, unless that takes longer than a heartbeat."""
        async with aclosing(pieces):
            piece = await anext(pieces)
            yield event("generate.started", {"request_id": self.request.state.request_id, "trace_id": current_trace_id()})
            yield self._event(piece)
            try:
                async for piece in pieces:
                    yield self._event(piece)
            except (WorkbenchError, *problems.DATABASE_ERRORS) as error:
                yield event("error", problems.told_of(self.request, error))

    def whole(self, generated: Generated) -> GenerateResponse:
        """All of it."""
        completion = generated.completion
        usage = completion.usage
        return GenerateResponse(
            request_id=self.request.state.request_id,
            trace_id=current_trace_id(),
            prompt=self.prompt,
            text=completion.text,
            parsed=completion.parsed,
            provider=completion.provider,
            model=completion.model,
            usage=Usage(input_tokens=usage.input_tokens, output_tokens=usage.output_tokens, cost_usd=usage.cost_usd),
            finish_reason=completion.finish_reason,
            failovers=[FailedModel(provider=one.model.provider, model=one.model.model, code=one.code) for one in completion.failovers],
            timings_ms=generated.timings_ms,
        )

    def _event(self, piece: str | Generated | None) -> bytes:
        match piece:
            case None:
                return HEARTBEAT
            case str():
                return event("generate.delta", {"text": piece})
            case Generated():
                return event("generate.completed", self.whole(piece))


async def _said(rag: Parts, who: Principal, request: Request, body: GenerateRequest) -> tuple[tuple[Message, ...], NamedVersion | None]:
    """What the model is told, and by which prompt of the registry."""
    match body.prompt:
        case str():
            return (Message(Role.USER, body.prompt),), None
        case PromptCall() as call:
            reference = Reference(call.name, call.version, call.label or PRODUCTION)
            prompt = await rag.catalogue.prompts.resolve(who.tenant_id, reference, call.subject or request.state.request_id)
            return prompt.render(call.variables), prompt.identity
    return tuple(Message(message.role, message.content) for message in body.messages or ()), None


def _caller(who: Principal, request: Request, run: str | None) -> Caller:
    return Caller(request.state.request_id, who.tenant_id, who.key_id, run, Purpose.JUDGE if run else Purpose.GENERATE)


def _call(rag: Parts, caller: Caller, body: GenerateRequest, messages: tuple[Message, ...]) -> CompletionRequest:
    return CompletionRequest(
        messages=messages,
        max_tokens=body.max_tokens,
        temperature=body.temperature,
        stop=body.stop,
        seed=body.seed,
        response_schema=body.response_schema,
        models=chosen(rag.llm, body.provider, body.model),
        caller=caller,
    )
