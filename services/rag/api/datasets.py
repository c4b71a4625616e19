"""Datasets: the cases that evaluations ask."""

from datetime import datetime
from typing import Annotated

import asyncpg
from fastapi import APIRouter, Form, Query, Response, UploadFile
from pydantic import BaseModel, ConfigDict, Field

from services.rag.api.parts import Rag
from services.rag.api.principal import Scope, Who, needs

router = APIRouter(tags=["datasets"])

Fingerprint = Annotated[str | None, Query(description="a content that the name once had, instead of the last")]
Generation = Annotated[str | None, Query(description="the index generation to look for documents in, instead of the active one")]


class DatasetForm(BaseModel):
    """A dataset to be kept: a file of JSON Lines, one case a line."""

    model_config = ConfigDict(extra="forbid")

    file: UploadFile
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$", description="what evaluations call it")
    description: str = Field(default="", max_length=2_000, pattern=r"^[^\x00]*$")


class Dataset(BaseModel):
    """What a name stands for: equal fingerprints, equal cases. `slices` counts the cases by metadata, where there are few values."""

    name: str
    fingerprint: str
    description: str
    cases: int
    unanswerable: int
    slices: dict[str, dict[str, int]]
    bytes: int
    created_at: datetime
    uploaded_at: datetime


class DatasetUpload(BaseModel):
    """What a name stood for once."""

    fingerprint: str
    cases: int
    unanswerable: int
    created_at: datetime
    uploaded_at: datetime


class GoldDocuments(BaseModel):
    """The documents that the cases rest on: how many there are, how many searches cannot find now, and some of these."""

    gold: int
    missing: int
    examples: list[str]


class DatasetDetail(Dataset):
    """A dataset, with all contents that its name ever had, the last first. `documents` is None if they cannot be known any more."""

    documents: GoldDocuments | None
    uploads: list[DatasetUpload]


class DatasetPage(BaseModel):
    """Datasets by name; `next` is the `after` of the next page, None on the last."""

    datasets: list[Dataset]
    next: str | None


@router.post("/datasets", status_code=201, dependencies=[needs(Scope.EVALS_WRITE)])
async def register_dataset(rag: Rag, who: Who, response: Response, form: Annotated[DatasetForm, Form()]) -> Dataset:
    """Takes the cases of a dataset; 200 if the name had the same ones before, in whatever order."""
    registered = await rag.datasets.register(who.tenant_id, form.name, form.description, await form.file.read())
    response.status_code = 201 if registered.created else 200
    response.headers["Location"] = f"/datasets/{form.name}"
    return _dataset(registered.row)


@router.get("/datasets", dependencies=[needs(Scope.QUERY)])
async def list_datasets(rag: Rag, who: Who, after: str | None = None, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> DatasetPage:
    """Lists datasets by name."""
    rows = await rag.datasets.known(who.tenant_id, after, limit)
    return DatasetPage(datasets=[_dataset(row) for row in rows], next=rows[-1]["name"] if len(rows) == limit else None)


@router.get("/datasets/{name}", dependencies=[needs(Scope.QUERY)])
async def get_dataset(rag: Rag, who: Who, name: str, fingerprint: Fingerprint = None, generation: Generation = None) -> DatasetDetail:
    """Tells what a dataset is, and was, and whether the documents that its cases rest on can be found."""
    row = await rag.datasets.get(who.tenant_id, name, fingerprint)
    found = await rag.datasets.documents(who.tenant_id, row, generation)
    documents = GoldDocuments.model_validate(dict(found)) if found is not None else None
    uploads = [DatasetUpload.model_validate(dict(row)) for row in await rag.datasets.uploads(who.tenant_id, name)]
    return DatasetDetail(**_dataset(row).model_dump(), documents=documents, uploads=uploads)


def _dataset(row: asyncpg.Record) -> Dataset:
    return Dataset.model_validate({**dict(row), "bytes": row["blob"]["bytes"]})
