"""Index generations: build one beside the others, move queries to it, and back, and retire it."""

from datetime import datetime
from typing import Literal

import asyncpg
from fastapi import APIRouter
from pydantic import BaseModel, Field

from contracts.base import GenerationName, Name
from contracts.generations import ChunkerRecipe, EmbeddingRecipe
from kit.settings import EmbeddingProvider
from services.rag.api.parts import Rag
from services.rag.api.principal import Scope, needs
from services.rag.api.schemas import Request

router = APIRouter(tags=["generations"])

_OPERATOR = [needs(Scope.TENANTS_ADMIN)]


class EmbeddingRequest(Request):
    """An embedding model; keys and addresses are those of the settings."""

    provider: EmbeddingProvider
    model: Name | None = None
    dimensions: int | None = Field(default=None, ge=1, le=65_536)


class ChunkerRequest(Request):
    """How documents are cut; sizes in the model's tokens."""

    strategy: Literal["markdown", "sentence", "fixed"] = "markdown"
    max_tokens: int | None = Field(default=None, ge=8)
    overlap: int = Field(default=0, ge=0)
    headings: bool = True


class GenerationRequest(Request):
    """An index that is wanted beside the others; without a name it gets the next number."""

    generation: GenerationName | None = None
    embedding: EmbeddingRequest
    chunker: ChunkerRequest = ChunkerRequest()


class GenerationInfo(BaseModel):
    """A generation: `complete` of the `documents` that searches may find are in it, `failed` cannot be. Null recipes are the settings'.

    `wanted`: queries move to it as soon as it has all documents.
    """

    generation: str
    state: str
    wanted: bool
    embedding: EmbeddingRecipe | None
    chunker: ChunkerRecipe | None
    embedding_model: str | None
    dimensions: int | None
    documents: int
    complete: int
    failed: int
    failures: list[str] = Field(description="some of the documents that failed")
    requested_at: datetime
    activated_at: datetime | None
    retired_at: datetime | None


class GenerationList(BaseModel):
    """All generations, in the order of their requests."""

    generations: list[GenerationInfo]


class GenerationTold(BaseModel):
    """What was asked for is under way; `status_url` says how far."""

    generation: str
    status_url: str


@router.get("/generations", dependencies=[needs(Scope.DOCUMENTS_READ)])
async def list_generations(rag: Rag) -> GenerationList:
    """Lists index generations with how far they are built."""
    return GenerationList(generations=[_info(row) for row in await rag.generations.known()])


@router.get("/generations/{generation}", dependencies=[needs(Scope.DOCUMENTS_READ)])
async def get_generation(rag: Rag, generation: str) -> GenerationInfo:
    """Tells how far one is."""
    return _info(await rag.generations.get(generation))


@router.post("/generations", status_code=202, dependencies=_OPERATOR)
async def build_generation(rag: Rag, body: GenerationRequest) -> GenerationTold:
    """Builds an index with another embedding model or chunker, while queries go on."""
    embedding, chunker = EmbeddingRecipe(**body.embedding.model_dump()), ChunkerRecipe(**body.chunker.model_dump())
    return _told(await rag.generations.build(body.generation, embedding, chunker))


@router.post("/generations/{generation}/swap", status_code=202, dependencies=_OPERATOR)
async def swap_generation(rag: Rag, generation: str) -> GenerationTold:
    """Moves queries to a generation as soon as it has all they can find; to the active one, it withdraws such a request."""
    await rag.generations.swap(generation)
    return _told(generation)


@router.post("/generations/rollback", status_code=202, dependencies=_OPERATOR)
async def roll_back_generation(rag: Rag) -> GenerationTold:
    """Moves queries back to the generation that was active before."""
    return _told(await rag.generations.roll_back())


@router.delete("/generations/{generation}", status_code=202, dependencies=_OPERATOR)
async def retire_generation(rag: Rag, generation: str) -> GenerationTold:
    """Ends a generation that queries do not use; its collection is removed a minute later."""
    await rag.generations.retire(generation)
    return _told(generation)


def _info(row: asyncpg.Record) -> GenerationInfo:
    return GenerationInfo.model_validate(dict(row))


def _told(generation: str) -> GenerationTold:
    return GenerationTold(generation=generation, status_url=f"/generations/{generation}")
