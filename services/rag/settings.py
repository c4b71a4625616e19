"""Settings of rag, from `RAG_*` variables."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from kit.gateway.caps import BudgetSettings
from kit.gateway.settings import GatewaySettings
from kit.settings import (
    BlobSettings,
    EmbeddingSettings,
    LLMSettings,
    RedisSettings,
    RerankSettings,
    Section,
    ServiceSettings,
    VectorSettings,
)
from services.rag.registry.entry import PRODUCTION
from services.rag.registry.receipts import public_keys

_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


class Auth(StrEnum):
    """Whether a request must carry an API key."""

    OPEN = "open"
    REQUIRED = "required"


class PromotionSettings(Section):
    """What protected labels ask for: the scope prompts:promote, and, if `receipts` is set, a passing evaluation of what is new there."""

    protected_labels: frozenset[str] = frozenset({PRODUCTION})
    receipts: bool = False
    receipt_keys: dict[str, str] = Field(
        default_factory=dict, description="who may sign receipts: Ed25519 public keys (32 bytes in base64) by their ids"
    )
    gates: frozenset[str] = Field(default=frozenset(), description="the gates whose verdicts count; without any, those of every gate do")

    @model_validator(mode="after")
    def _keys_can_be_read(self) -> "PromotionSettings":
        if self.receipts and not self.receipt_keys:
            raise ValueError("receipts are asked for and no key may sign them; set receipt_keys")
        public_keys(self.receipt_keys)
        return self


class CacheSettings(Section):
    """How long searches and answers are remembered, and how large one may be. What changed is never served, however long that is."""

    ttl_s: int = Field(default=3600, ge=1)
    largest_bytes: int = Field(default=1024 * 1024, ge=0)


class Settings(ServiceSettings):
    """What rag needs to run."""

    model_config = SettingsConfigDict(env_prefix="RAG_")

    redis: RedisSettings
    blobs: BlobSettings
    vectors: VectorSettings
    embedding: EmbeddingSettings = EmbeddingSettings()
    llm: LLMSettings = LLMSettings()
    gateway: GatewaySettings = GatewaySettings()
    budgets: BudgetSettings = BudgetSettings()
    rerank: RerankSettings = RerankSettings()
    cache: CacheSettings = CacheSettings()
    max_document_bytes: int = Field(default=25 * 1024 * 1024, ge=1)
    requeue_after_s: float = Field(default=600, gt=0, description="an upload that ingest has not heard of is told again after so long")
    heartbeat_s: float = Field(default=5, gt=0, description="a streamed answer that is silent for so long says that it is still there")
    auth: Auth | None = Field(default=None, description="unset: open on a loopback address, required on any other")
    admin_key: Annotated[SecretStr, Field(min_length=32)] | None = Field(
        default=None, description="a key that may do everything, to make the first keys with"
    )

    promotion: PromotionSettings = PromotionSettings()

    @property
    def key_required(self) -> bool:
        """Whether a request without an API key is refused."""
        return self.auth is Auth.REQUIRED if self.auth else self.http.host not in _LOOPBACK
