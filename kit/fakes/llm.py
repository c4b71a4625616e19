"""A language model that says what a test tells it to."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass

from kit.errors import WorkbenchError
from kit.ports.llm import Completion, CompletionRequest, FinishReason, TokenUsage, in_pieces, until_stop


@dataclass(frozen=True, slots=True)
class Broken:
    """A line that ends in an error: a stream says `text` first, a whole completion is never there."""

    text: str
    error: WorkbenchError


Line = str | WorkbenchError | Broken


class ScriptedLLM:
    """`LLMClient` that says (or raises) its lines in order, and the last one again and again; `requests` lists what it was asked.

    A token is a word; a line longer than `max_tokens` is cut. A call takes `takes_s`, and a stream as long again before each further
    piece. `abandoned` counts the calls that ended before they were done: cancelled, or streams that were closed.
    """

    def __init__(self, lines: Sequence[Line], *, provider: str = "scripted", model: str = "script", takes_s: float = 0.0) -> None:
        self.provider = provider
        self.model = model
        self.requests: list[CompletionRequest] = []
        self.abandoned = 0
        self._lines = lines
        self._takes_s = takes_s

    async def complete(self, request: CompletionRequest) -> Completion:
        line = self._next(request)
        try:
            await asyncio.sleep(self._takes_s)
        except asyncio.CancelledError:
            self.abandoned += 1
            raise
        match line:
            case WorkbenchError():
                raise line
            case Broken():
                raise line.error
        return self._completion(line, request)

    async def stream(self, request: CompletionRequest) -> AsyncGenerator[str | Completion, None]:
        line = self._next(request)
        if isinstance(line, WorkbenchError):
            raise line
        said = self._completion(line.text if isinstance(line, Broken) else line, request)
        try:
            async for piece in in_pieces(said):
                if isinstance(line, Broken) and piece is said:
                    raise line.error
                await asyncio.sleep(self._takes_s)
                yield piece
        except (asyncio.CancelledError, GeneratorExit):
            self.abandoned += 1
            raise

    def _next(self, request: CompletionRequest) -> Line:
        line = self._lines[min(len(self.requests), len(self._lines) - 1)]
        self.requests.append(request)
        return line

    def _completion(self, line: str, request: CompletionRequest) -> Completion:
        words = until_stop(line, request.stop).split(" ")
        cut = len(words) > request.max_tokens
        text = " ".join(words[: request.max_tokens])
        usage = TokenUsage(sum(len(message.content.split()) for message in request.messages), len(text.split()), 0.0)
        finish = FinishReason.LENGTH if cut else FinishReason.STOP
        return Completion(text, self.provider, self.model, usage, finish, f"scripted-{len(self.requests)}")
