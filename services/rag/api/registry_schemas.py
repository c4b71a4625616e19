"""The JSON of prompts and variants."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, Field, model_validator

from contracts.queries import NamedVersion
from kit.ports.llm import Message, Role
from services.rag.api.schemas import Request
from services.rag.prompts import PromptDraft
from services.rag.registry.entry import LABEL, NAME
from services.rag.registry.move import MAX_VERSIONS, Move, Weights
from services.rag.registry.receipts import SignedReceipt
from services.rag.registry.version import Version
from services.rag.variants import VariantDefinition

EntryName = Annotated[str, Field(pattern=rf"^{NAME}$")]
LabelName = Annotated[str, Field(pattern=rf"^{LABEL}$")]
Number = Annotated[int, Field(ge=1, le=2**31 - 1)]
Subject = Annotated[str, Field(min_length=1, max_length=200, description="who or what is asked for; the same one gets the same version")]
Told = Annotated[str, Field(min_length=1, max_length=2_000, pattern=r"^[^\x00]*[^\s\x00][^\x00]*$")]


class _NewVersion(Request):
    name: EntryName
    message: Told
    author: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]+$")] | None = None


class NewPrompt(PromptDraft, _NewVersion):
    """A version of a prompt to be registered."""


class NewVariant(_NewVersion):
    """A version of a variant to be registered."""

    definition: VariantDefinition


class LabelMove(Request):
    """Where a label is to point: to one version, or to several with shares that make 1. `receipt` proves what was not there before."""

    version: Number | None = None
    weights: dict[Annotated[str, Field(pattern=r"^[1-9]\d{0,8}$")], Annotated[float, Field(ge=0, le=1)]] | None = Field(
        default=None, min_length=1, max_length=MAX_VERSIONS, examples=[{"3": 0.9, "4": 0.1}]
    )
    reason: Told
    receipt: SignedReceipt | None = None

    @model_validator(mode="after")
    def _points_somewhere(self) -> "LabelMove":
        if (self.version is None) == (self.weights is None):
            raise ValueError("give either version or weights")
        return self

    def target(self) -> Weights:
        """Raises Permanent `weights_invalid` unless the shares make 1."""
        if self.weights is not None:
            return Weights.of({int(version): share for version, share in self.weights.items()})
        return Weights.all_to(self.version or 0)


class Rollback(Request):
    """Why a label goes back."""

    reason: Told
    receipt: SignedReceipt | None = None


class RenderRequest(Request):
    """A prompt to be rendered: a version, or what a label (production, if none is named) gives to `subject`."""

    version: Number | None = None
    label: LabelName | None = None
    variables: dict[str, Any] = Field(default_factory=dict)
    subject: Subject | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "RenderRequest":
        if self.version is not None and self.label is not None:
            raise ValueError("give version or label, not both")
        return self


class EntrySummary(BaseModel):
    """A name, its newest version, and where its labels point: shares by version."""

    name: str
    latest: int
    labels: dict[str, dict[str, float]]


class EntryList(BaseModel):
    """All names."""

    entries: list[EntrySummary]


class VersionSummary(BaseModel):
    """A version without what it says."""

    version: int
    sha256: str
    message: str
    author: str
    created_at: datetime

    @classmethod
    def of(cls, version: Version) -> "VersionSummary":
        """From the registry's."""
        told = {name: getattr(version, name) for name in ("sha256", "message", "author", "created_at")}
        return cls(version=version.number, **told)


class EntryDetail(BaseModel):
    """A name with all its versions, newest first, and where its labels point."""

    name: str
    versions: list[VersionSummary]
    labels: dict[str, dict[str, float]]


class VersionDetail(VersionSummary):
    """A version with what it says: a prompt's `{template, variables, references}`, or a variant's fields."""

    name: str
    definition: dict[str, Any]

    @classmethod
    def of(cls, version: Version) -> "VersionDetail":
        """From the registry's."""
        summary = VersionSummary.of(version).model_dump()
        return cls(**summary, name=version.entry.name, definition=dict(version.definition))


class FieldDiff(BaseModel):
    """What differs between two mappings, by field; `changed` has `{from, to}`."""

    added: dict[str, Any]
    removed: dict[str, Any]
    changed: dict[str, dict[str, Any]]


class Diff(BaseModel):
    """From one version to another: `unified` is of a prompt's template or a variant's JSON, `fields` of its variables or fields."""

    unified: str
    fields: FieldDiff


class LabelState(BaseModel):
    """Where a label points, and the move that made it so."""

    label: str
    number: int
    weights: dict[str, float]


class MoveDetail(BaseModel):
    """A move: who, when, why, from where, to where. A rollback `restores` what the move of that number had made."""

    number: int
    at: datetime
    actor: str
    reason: str
    before: dict[str, float] | None = Field(serialization_alias="from")
    after: dict[str, float] = Field(serialization_alias="to")
    restores: int | None
    receipt: dict[str, Any] | None

    @classmethod
    def of(cls, move: Move) -> "MoveDetail":
        """From the registry's."""
        told = {name: getattr(move, name) for name in ("number", "at", "actor", "reason", "restores", "receipt")}
        return cls(before=move.before.as_json() if move.before else None, after=move.after.as_json(), **told)


class History(BaseModel):
    """Every move of a label, oldest first: each starts where the one before it ended, and the last ends where the label points."""

    label: str
    moves: list[MoveDetail]


class RenderedMessage(BaseModel):
    """One message."""

    role: Role
    content: str

    @classmethod
    def of(cls, message: Message) -> "RenderedMessage":
        """From the port's."""
        return cls(role=message.role, content=message.content)


class Rendered(BaseModel):
    """What a language model would be told, and by which version."""

    prompt: NamedVersion
    messages: list[RenderedMessage]
