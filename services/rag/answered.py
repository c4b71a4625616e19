"""What a question was answered."""

from dataclasses import dataclass
from uuid import UUID

from contracts.queries import Citation, NamedVersion
from kit.ports.llm import Completion
from kit.ports.vectors import Hit
from services.rag.retrieve import Question


@dataclass(frozen=True, slots=True)
class Answer:
    """What a question was answered, on what it rests, what it cost and what it had to do without."""

    answer_id: UUID
    question: Question
    text: str
    abstained: bool
    citations: tuple[Citation, ...]
    passages: tuple[Hit, ...]
    prompt: NamedVersion
    completion: Completion
    timings_ms: dict[str, float]
    degraded: tuple[str, ...] = ()
    cached: bool = False
