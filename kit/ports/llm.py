"""The role that writes answers, and the form of an answer that rests on passages.

A grounded answer puts `[n: "quote"]` behind every claim: n numbers the passage from 1, and the quote is copied from it verbatim. Quotation
marks inside a quote stay as they are, since it ends at the first `"]`. An answer that no passage supports is `ABSTENTION` and nothing else.
"""

import re
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from contracts.envelope import DEFAULT_TENANT

ABSTENTION = "I don't know."
CITATION = re.compile(r'\[(?P<passage>\d{1,3}): "(?P<quote>.+?)"\]', re.DOTALL)
_QUOTE_END = '"]'
_WORD = re.compile(r"\S+\s*|\s+")


def cited(claim: str, passage: int, quote: str) -> str:
    """The claim with its citation; a quote that contains `"]` is shortened to its longest part without."""
    return f'{claim} [{passage}: "{max(quote.split(_QUOTE_END), key=len)}"]'


def is_abstention(text: str) -> bool:
    """Whether the text is `ABSTENTION`, leaving out of account what models vary: case, the apostrophe, the full stop, space around."""
    return _bare(text) == _bare(ABSTENTION)


def _bare(text: str) -> str:
    return text.strip().rstrip(".").replace("\u2019", "'").casefold()


class Role(StrEnum):
    """Who says a message."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Grounding:
    """What a grounded answer may rest on: the question, and passages numbered from 1 in this order. `messages` say the same in prose.

    A sentence must reach `support` to be answered from, where sentences are scored; none means what the answerer is calibrated to.
    """

    question: str
    passages: tuple[str, ...]
    support: float | None = None


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A model of a provider, written `provider/model`."""

    provider: str
    model: str

    def __str__(self) -> str:
        return f"{self.provider}/{self.model}"


class Purpose(StrEnum):
    """What a call is for."""

    ANSWER = "answer"
    GENERATE = "generate"
    REWRITE = "rewrite"
    RERANK = "rerank"
    JUDGE = "judge"


@dataclass(frozen=True, slots=True)
class Caller:
    """On whose account a call goes. `request_id` names the work it is done for: its tries and repairs, each paid for, stand together."""

    request_id: str = ""
    tenant_id: str = DEFAULT_TENANT
    key_id: str | None = None
    run_id: str | None = None
    purpose: Purpose = Purpose.ANSWER


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """A call. `max_tokens` bounds the answer; `response_schema` (JSON Schema) asks for JSON that fits it, which comes back as `parsed`.

    `models` are asked in this order until one answers; none means those of the settings. `caller` is who pays.
    """

    messages: tuple[Message, ...]
    grounding: Grounding | None = None
    max_tokens: int = 1024
    temperature: float | None = 0.0
    stop: tuple[str, ...] = ()
    seed: int | None = None
    response_schema: Mapping[str, Any] | None = None
    models: tuple[ModelRef, ...] = ()
    caller: Caller = Caller()


class FinishReason(StrEnum):
    """Why the model stopped."""

    STOP = "stop"
    LENGTH = "length"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """What a call consumed; `cost_usd` is None where the model has no known price. `estimated` counts are ours: the server gave none."""

    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Failover:
    """A model that was asked and did not answer, and the error's code."""

    model: ModelRef
    code: str


@dataclass(frozen=True, slots=True)
class Completion:
    """What came back. `provider_request_id` is the provider's own; `failovers` tell which models were asked before this one, and why not.

    `parsed` is the JSON value of a request with a schema, and fits it. `replayed` completions come from a cassette and cost nothing.
    `confidence` tells how sure the model is of the best it can say, also where it abstains: greater is surer, and none says nothing of it.
    """

    text: str
    provider: str
    model: str
    usage: TokenUsage
    finish_reason: FinishReason
    provider_request_id: str | None = None
    parsed: Any = None
    failovers: tuple[Failover, ...] = ()
    replayed: bool = False
    confidence: float | None = None


async def in_pieces(completion: Completion) -> AsyncGenerator[str | Completion, None]:
    """A completion that is there already as a stream: its text word by word, and last itself."""
    for word in _WORD.findall(completion.text):
        yield word
    yield completion


def until_stop(text: str, stop: tuple[str, ...]) -> str:
    """The text up to the first of the stop sequences, without it."""
    return text[: min((at for at in map(text.find, stop) if at >= 0), default=len(text))]


class LLMClient(Protocol):
    """Promise: one request gives one completion with its usage, whole or in pieces, and never blocks the event loop."""

    @property
    def provider(self) -> str:
        """Names the provider as OpenTelemetry's `gen_ai.provider.name` does."""
        ...

    @property
    def model(self) -> str:
        """The model that is asked for."""
        ...

    async def complete(self, request: CompletionRequest) -> Completion:
        """Raises Permanent (refused key, bad request), Transient (rate limit, 5xx), DependencyDown (no connection, timeout)."""
        ...

    def stream(self, request: CompletionRequest) -> AsyncGenerator[str | Completion, None]:
        """Yields pieces of text as they come, and last the whole completion, whose text is the pieces joined. Raises as `complete` does.

        Closing it (`aclose`), or cancelling who reads it, ends the provider's call.
        """
        ...
