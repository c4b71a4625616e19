"""A case: a question with what a good answer to it must have. Every dataset is brought into this form."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from contracts.base import DocumentId

GOLD_MISSING = "gold_missing"


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("a text of a case cannot have the character NUL; leave it out")
    return text


Text = Annotated[str, AfterValidator(_storable)]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Gold(_Value):
    """Where the answer stands: a document, or `[start, end)` of its extracted text in code points, where `quote` stands."""

    document_id: DocumentId
    start: int | None = Field(default=None, ge=0)
    end: int | None = Field(default=None, ge=1)
    quote: Text | None = None

    @model_validator(mode="after")
    def _is_a_span(self) -> "Gold":
        if (self.start is None) != (self.end is None):
            raise ValueError("give start and end together, or neither")
        if self.start is not None and self.end is not None and self.end <= self.start:
            raise ValueError(f"end {self.end} must be greater than start {self.start}")
        return self

    @property
    def is_span(self) -> bool:
        """Whether the place in the document is known."""
        return self.start is not None


class Case(_Value):
    """A question. `answers` are the accepted ones; an unanswerable question has none, and neither gold.

    Cases of one `cluster`, as the questions about one paragraph, are drawn together by statistics. `metadata` makes slices.
    """

    id: Annotated[Text, Field(min_length=1, max_length=200)]
    question: Annotated[Text, Field(min_length=1, max_length=8_000)]
    answers: tuple[Text, ...] = ()
    answerable: bool = True
    gold: tuple[Gold, ...] = ()
    metadata: dict[Text, Text] = Field(default_factory=dict)
    cluster: Text | None = None

    @model_validator(mode="after")
    def _agrees(self) -> "Case":
        if not self.answerable and (self.answers or self.gold):
            raise ValueError("an unanswerable question has neither answers nor gold")
        if self.answerable and not (self.answers or self.gold):
            raise PydanticCustomError(GOLD_MISSING, "an answerable question needs answers or gold")
        return self
