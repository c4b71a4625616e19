"""What all events share: frozen, tolerant of fields they do not know, and named by their CloudEvents type."""

from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field

DocumentId = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$", description="stable id of a document, chosen by its producer")
]
Version = Annotated[int, Field(ge=1, description="grows by one with every upload or delete of the document; the greater one wins")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 of the raw bytes, lower-case hex")]
Name = Annotated[str, Field(min_length=1, max_length=200)]
GenerationName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$", description="an index generation: one embedding and chunking")]


class Value(BaseModel):
    """A part of an event: frozen, and a reader ignores fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Event(Value):
    """A fact. Each subclass sets `TYPE`, its CloudEvents `type`, and `KEY`, the field whose value keys the record."""

    TYPE: ClassVar[str]
    KEY: ClassVar[str]

    @property
    def key(self) -> str:
        """The record key: events with the same key stay in order."""
        return str(getattr(self, self.KEY))
