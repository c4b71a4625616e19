"""Facts about people's feedback: received."""

from typing import ClassVar
from uuid import UUID

from pydantic import Field

from contracts.base import Event, Name


class FeedbackReceivedV1(Event):
    """Somebody rated an answer. `rating` is `up` or `down`; readers must tolerate others and store them as they came."""

    TYPE: ClassVar[str] = "workbench.feedback.received.v1"
    KEY: ClassVar[str] = "answer_id"

    feedback_id: UUID
    answer_id: UUID
    rating: Name
    comment: str | None = Field(default=None, max_length=10_000)
    correction: str | None = Field(default=None, max_length=10_000)
    labels: tuple[Name, ...] = Field(default=(), max_length=50)
