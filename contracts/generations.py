"""Requests about index generations: to build one, to let queries move to one, to retire one."""

from typing import ClassVar

from pydantic import Field

from contracts.base import Event, GenerationName, Name, Value

# What the services' settings describe, and what events without a generation belong to.
FIRST_GENERATION = "g1"


class EmbeddingRecipe(Value):
    """An embedding model. What is left out is as the services' settings say; so are keys and addresses, always."""

    provider: Name
    model: Name | None = None
    dimensions: int | None = Field(default=None, ge=1)


class ChunkerRecipe(Value):
    """How documents are cut. `strategy` is `markdown` (where the text pauses), `sentence` or `fixed`; sizes are the model's tokens."""

    strategy: Name = "markdown"
    max_tokens: int | None = Field(default=None, ge=8, description="none means as many as the model takes")
    overlap: int = Field(default=0, ge=0, description="tokens that a chunk shares with the one before")
    headings: bool = Field(default=True, description="whether a chunk is embedded with the heading above it; its text stays as it is")


class GenerationEvent(Event):
    """About one generation."""

    KEY: ClassVar[str] = "generation"

    generation: GenerationName


class GenerationRequestedV1(GenerationEvent):
    """An index is wanted beside the others, made by these recipes. The same name with other recipes is refused."""

    TYPE: ClassVar[str] = "workbench.index.generation.requested.v1"

    embedding: EmbeddingRecipe
    chunker: ChunkerRecipe = ChunkerRecipe()


class SwapRequestedV1(GenerationEvent):
    """Queries are to move to this generation once it has all they can see now. Naming the active one withdraws another's request."""

    TYPE: ClassVar[str] = "workbench.index.swap.requested.v1"


class RetirementRequestedV1(GenerationEvent):
    """A generation that queries do not use is to go, with its collection."""

    TYPE: ClassVar[str] = "workbench.index.retirement.requested.v1"
