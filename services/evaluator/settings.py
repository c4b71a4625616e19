"""Settings of evaluator, from `EVALUATOR_*` variables."""

from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from kit.settings import BlobSettings, Section, ServiceSettings
from services.evaluator.receipts import Signer

# What a message needs beside its questions: to read its cases, and to keep what came of them.
_FRAME_S = 10.0


class RagSettings(Section):
    """The rag that is asked. The key needs the scopes query, generate, prompts:read, documents:read, budgets:write and tenants:admin."""

    url: str = "http://127.0.0.1:8080"
    api_key: SecretStr | None = None
    concurrency: int = Field(default=32, ge=1, description="questions at once")
    timeout_s: float = Field(default=45.0, gt=0, description="for one answer; one that takes longer is asked for once more")


class JudgeSettings(Section):
    """The model that judges answers, as rag's POST /generate names it. Without one nothing is judged by a model."""

    provider: str | None = None
    model: str | None = None

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if (self.provider is None) != (self.model is None):
            raise ValueError("give provider and model together, or neither")
        return self


class ReceiptSettings(Section):
    """The key that signs receipts: an Ed25519 private key, 32 bytes in base64. Without one there are verdicts and no receipts."""

    key_id: str = "evaluator"
    private_key: SecretStr | None = None

    @model_validator(mode="after")
    def _key_can_be_read(self) -> Self:
        _ = self.signer
        return self

    @property
    def signer(self) -> Signer | None:
        """Who signs, if anybody."""
        return Signer.of(self.key_id, self.private_key.get_secret_value()) if self.private_key else None


class Settings(ServiceSettings):
    """What evaluator needs to run."""

    model_config = SettingsConfigDict(env_prefix="EVALUATOR_")

    blobs: BlobSettings = Field(description="where datasets and exported runs lie, as rag has them")
    rag: RagSettings = RagSettings()
    judge: JudgeSettings = JudgeSettings()
    receipts: ReceiptSettings = ReceiptSettings()
    gates_folder: Path | None = Field(default=None, description="YAML files, a gate each")
    shard_cases: int = Field(default=256, ge=1, description="cases that one message asks; up to four times as many of a large dataset")
    shard_s: float = Field(default=60.0, gt=0, description="a message asks no longer than this; what is left is told again")
    requeue_after_s: float = Field(default=600, gt=0, description="an evaluation that does not go on is told again after so long")

    @model_validator(mode="after")
    def _messages_end_in_time(self) -> Self:
        if self.rag.timeout_s > self.shard_s:
            raise ValueError(
                f"rag.timeout_s ({self.rag.timeout_s:g}) must not exceed shard_s ({self.shard_s:g}): a second try would not fit"
            )
        longest_s = self.shard_s + self.rag.timeout_s + _FRAME_S
        if longest_s > self.kafka.handler_timeout_ms / 1000:
            raise ValueError(f"shard_s + rag.timeout_s + {_FRAME_S:g} is {longest_s:g} s, more than kafka.handler_timeout_ms")
        return self
