"""Settings of rag, from `RAG_*` variables."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from kit.settings import BlobSettings, EmbeddingSettings, LLMSettings, RedisSettings, ServiceSettings, VectorSettings


class Settings(ServiceSettings):
    """What rag needs to run."""

    model_config = SettingsConfigDict(env_prefix="RAG_")

    redis: RedisSettings
    blobs: BlobSettings
    vectors: VectorSettings
    embedding: EmbeddingSettings = EmbeddingSettings()
    llm: LLMSettings = LLMSettings()
    max_document_bytes: int = Field(default=25 * 1024 * 1024, ge=1)
    requeue_after_s: float = Field(default=600, gt=0, description="an upload that ingest has not heard of is told again after so long")
