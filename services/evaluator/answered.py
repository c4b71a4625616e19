"""What a run saw of one case: the answer as rag gave it, whole."""

from dataclasses import dataclass, field

from contracts.queries import NamedVersion


@dataclass(frozen=True, slots=True)
class Cited:
    """A verified citation: `quote` stands at `[start, end)` of that document's extracted text."""

    document_id: str
    start: int
    end: int
    quote: str


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk that the answer was written from, in rank order: `text` stands at `[start, end)`."""

    document_id: str
    start: int
    end: int
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer. `latency_ms` is the caller's, `timings_ms` the service's by stage; `confidence` is the model's own, if it tells one."""

    text: str
    abstained: bool
    citations: tuple[Cited, ...]
    passages: tuple[Passage, ...]
    variant: NamedVersion
    prompt: NamedVersion
    provider: str
    model: str
    input_tokens: int
    output_tokens: int
    cost_usd: float | None
    latency_ms: float
    timings_ms: dict[str, float] = field(default_factory=dict)
    degraded: tuple[str, ...] = ()
    confidence: float | None = None
    answer_id: str | None = None
