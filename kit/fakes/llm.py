"""A language model that says what a test tells it to."""

from collections.abc import Sequence

from kit.errors import WorkbenchError
from kit.ports.llm import Completion, CompletionRequest, FinishReason, TokenUsage


class ScriptedLLM:
    """`LLMClient` that says (or raises) its lines in order, and the last one again and again; `requests` lists what it was asked.

    A token is a word; a line longer than `max_tokens` is cut.
    """

    provider = "scripted"
    model = "script"

    def __init__(self, lines: Sequence[str | WorkbenchError]) -> None:
        self._lines = lines
        self.requests: list[CompletionRequest] = []

    async def complete(self, request: CompletionRequest) -> Completion:
        line = self._lines[min(len(self.requests), len(self._lines) - 1)]
        self.requests.append(request)
        if isinstance(line, WorkbenchError):
            raise line
        words = line.split(" ")
        cut = len(words) > request.max_tokens
        text = " ".join(words[: request.max_tokens]) if cut else line
        usage = TokenUsage(sum(len(message.content.split()) for message in request.messages), len(text.split()), 0.0)
        return Completion(text, self.provider, self.model, usage, FinishReason.LENGTH if cut else FinishReason.STOP)
