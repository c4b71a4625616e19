"""Settings of ingest, from `INGEST_*` variables."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from contracts.generations import ChunkerRecipe
from kit.settings import BlobSettings, EmbeddingSettings, ServiceSettings


class Settings(ServiceSettings):
    """What ingest needs to run."""

    model_config = SettingsConfigDict(env_prefix="INGEST_")

    blobs: BlobSettings
    embedding: EmbeddingSettings = EmbeddingSettings()
    chunker: ChunkerRecipe = Field(default=ChunkerRecipe(headings=False), description="of the first index generation; others say theirs")
    max_document_bytes: int = Field(default=25 * 1024 * 1024, ge=1)
    max_chunks: int = Field(default=5_000, ge=1, description="a document with more chunks is rejected: split it")
    embed_batch: int = Field(default=32, ge=1, description="chunks embedded and stored in one step")
    requeue_after_s: float = Field(default=600, gt=0, description="an unfinished document is queued again after so long")
