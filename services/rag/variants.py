"""Variants: the whole pipeline by which a question is answered, pinned under a name and versioned in the registry."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from contracts.base import Name
from contracts.queries import NamedVersion
from kit.errors import Permanent
from kit.fusion import Fusion
from kit.ports.llm import Caller, CompletionRequest, Grounding, ModelRef
from kit.ports.rerank import RerankerKind
from kit.ports.vectors import Hit
from kit.settings import LLMProvider
from services.rag.principal import Principal
from services.rag.prompts import Prompt, Prompts
from services.rag.registry.builtin import BuiltIns
from services.rag.registry.entry import LABEL, NAME, Entry, Kind, Reference
from services.rag.registry.errors import Fault, Invalid
from services.rag.registry.lookup import REMEMBERED, Lookup
from services.rag.registry.registry import Registered, Registry
from services.rag.registry.version import Version

DEFAULT = "default"
CURRENT = "current"
QUESTION, PASSAGES = "question", "passages"
_SUPPORT = "what a sentence must reach to be answered from, by the extractive answerer; none means what it is calibrated to"
_UNKNOWN = {"name_unknown", "version_unknown", "label_unknown", "reference_invalid"}

PromptReference = Annotated[str, Field(pattern=rf"^{NAME}(@([1-9][0-9]{{0,8}}|{LABEL}))?$")]


class RetrieverKind(StrEnum):
    """Which vectors are searched."""

    HYBRID = "hybrid"
    DENSE = "dense"
    SPARSE = "sparse"


class Limits(BaseModel):
    """What one answer may take."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    timeout_s: float | None = Field(default=None, gt=0)
    cost_usd: float | None = Field(default=None, gt=0)


class VariantDefinition(BaseModel):
    """How a question is answered. `candidates` are taken from each list before fusion; without a model that of the settings answers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    index_generation: Name = CURRENT
    retriever: RetrieverKind = RetrieverKind.HYBRID
    fusion: Fusion = Fusion.DBSF
    fusion_weight: float | None = Field(default=None, ge=0, le=1, description="of the dense list, for convex fusion")
    candidates: int = Field(default=50, ge=1, le=1000)
    top_k: int = Field(default=5, ge=1, le=100)
    reranker: RerankerKind = RerankerKind.NONE
    rerank_candidates: int = Field(default=20, ge=1, le=100, description="how many hits the reranker judges")
    likeness: float | None = Field(default=None, gt=0, le=1, description="a hit whose cosine to a better one reaches this is left out")
    diversity: float | None = Field(default=None, ge=0, le=1, description="how much unlike hits are preferred (MMR); 0 keeps the order")
    neighbours: int = Field(default=0, ge=0, le=5, description="so many chunks on each side are put to a passage")
    multi_query: bool = Field(default=False, description="the question is searched for in other words as well")
    context_tokens: int = Field(default=6_000, ge=100, le=500_000, description="of passages that the model reads, at most")
    support: float | None = Field(default=None, ge=0, le=2, description=_SUPPORT)
    prompt: PromptReference = "grounded-answer@production"
    provider: LLMProvider | None = None
    model: Name | None = None
    max_tokens: int = Field(default=1024, ge=1, le=128_000)
    temperature: float | None = Field(default=0.0, ge=0, le=2)
    limits: Limits = Limits()

    @model_validator(mode="after")
    def _agrees(self) -> "VariantDefinition":
        if (self.provider is None) != (self.model is None):
            raise ValueError("give provider and model together, or neither")
        if self.fusion_weight is not None and self.fusion is not Fusion.CONVEX:
            raise ValueError("fusion_weight is for convex fusion")
        return self

    @property
    def compares(self) -> bool:
        """Whether the hits' vectors are needed."""
        return self.likeness is not None or self.diversity is not None


@dataclass(frozen=True, slots=True)
class Variant:
    """A version that is ready to answer, with the version of its prompt that this subject gets."""

    identity: NamedVersion
    definition: VariantDefinition
    prompt: Prompt

    def request(self, question: str, passages: Sequence[Hit], caller: Caller) -> CompletionRequest:
        """The call that asks `question` over `passages`, numbered from 1. Raises Permanent `prompt_variables_invalid`."""
        said = [{"title": hit.chunk.title, "text": hit.chunk.text} for hit in passages]
        pinned, definition = self._model(), self.definition
        return CompletionRequest(
            messages=self.prompt.render({QUESTION: question, PASSAGES: said}),
            grounding=Grounding(question, tuple(hit.chunk.text for hit in passages), definition.support),
            max_tokens=definition.max_tokens,
            temperature=definition.temperature,
            models=(pinned,) if pinned else (),
            caller=caller,
        )

    def _model(self) -> ModelRef | None:
        provider, model = self.definition.provider, self.definition.model
        return ModelRef(provider, model) if provider and model else None


@dataclass(frozen=True, slots=True)
class Variants:
    """Registers variants and finds them ready."""

    registry: Registry
    lookup: Lookup
    prompts: Prompts
    built_in: BuiltIns
    _definitions: dict[tuple[Entry, int], VariantDefinition] = field(default_factory=dict)

    async def register(self, who: Principal, name: str, definition: VariantDefinition, message: str, author: str) -> Registered:
        """Makes the next version, or gives the newest if it says the same.

        Raises Permanent `scope_missing`, or `variant_unsupported` for what the pipeline cannot do.
        """
        if found := [*_unsupported(definition), *await self._faults_of_prompt(who.tenant_id, definition)]:
            raise Invalid("variant_unsupported", found)
        entry = Entry(Kind.VARIANT, who.tenant_id, name)
        return await self.registry.register(who, entry, definition.model_dump(mode="json"), message, author)

    async def resolve(self, tenant_id: str, text: str | None, subject: str) -> Variant:
        """The variant of a reference that `subject` gets, `default` without one. Raises Permanent `variant_unknown`."""
        await self.built_in.ensure(tenant_id)
        try:
            reference = Reference.parse(text or DEFAULT)
            version = await self.lookup.resolve(Entry(Kind.VARIANT, tenant_id, reference.name), reference, subject)
        except Permanent as error:
            if error.code not in _UNKNOWN:
                raise
            raise Permanent("variant_unknown", f"{error.message}; GET /variants lists them") from error
        definition = self._read(version)
        prompt = await self.prompts.resolve(tenant_id, Reference.parse(definition.prompt), subject)
        return Variant(version.identity, definition, prompt)

    async def _faults_of_prompt(self, tenant_id: str, definition: VariantDefinition) -> list[Fault]:
        try:
            prompt = await self.prompts.resolve(tenant_id, Reference.parse(definition.prompt), "")
        except Permanent as error:
            return [Fault("prompt", error.message)]
        asked = {name for name, variable in prompt.variables.items() if variable.required}
        if {QUESTION, PASSAGES} <= prompt.variables.keys() and asked <= {QUESTION, PASSAGES}:
            return []
        return [Fault("prompt", f"{definition.prompt} must have the variables {QUESTION} and {PASSAGES}, and require no others")]

    def _read(self, version: Version) -> VariantDefinition:
        key = (version.entry, version.number)
        if key not in self._definitions:
            if len(self._definitions) >= REMEMBERED:
                self._definitions.clear()
            self._definitions[key] = _definition(version)
        return self._definitions[key]


def _definition(version: Version) -> VariantDefinition:
    try:
        return VariantDefinition.model_validate(version.definition)
    except ValidationError as error:
        named = f"{version.identity.name}@{version.identity.version}"
        raise Permanent("variant_unsupported", f"{named} was registered by another release, which this one cannot run") from error


def _unsupported(definition: VariantDefinition) -> Iterator[Fault]:
    """What can be said already and not be done yet: refused, for a variant must never be other than it says."""
    wanted: dict[str, tuple[Any, Any]] = {
        "limits.cost_usd": (definition.limits.cost_usd, None),
    }
    for name, (value, possible) in wanted.items():
        if value != possible:
            yield Fault(name, "is not supported yet; leave it out")
