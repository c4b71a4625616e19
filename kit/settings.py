"""The settings every service is made of: frozen values, read once from the environment, passed in, never imported.

A service's `Settings` subclasses `ServiceSettings` with its own prefix, so `INGEST_POSTGRES__DSN` sets `postgres.dsn` of ingest.
"""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from kit.errors import Permanent
from kit.failpoints import PATTERN


class Section(BaseModel):
    """A group of settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class KafkaSettings(Section):
    """The broker. Times are milliseconds."""

    bootstrap_servers: str = Field(description="host:port[,host:port]")
    session_timeout_ms: int = 45_000
    rebalance_timeout_ms: int = 150_000
    max_poll_interval_ms: int = 600_000
    handler_timeout_ms: int = 120_000
    retry_delays_s: tuple[float, float] = (30.0, 300.0)
    ceiling_in_a_row: int = Field(default=10, ge=1, description="so many dead letters one after another stop the consumer")
    ceiling_share: float = Field(
        default=0.2, gt=0, description="such a share of dead letters among the last 200 records stops the consumer"
    )
    idempotent: bool = Field(default=True, description="idempotent producer; the embedded broker cannot")
    forgets: bool = Field(default=False, description="the broker keeps nothing over a restart, so unfinished work is queued again at start")


class PostgresSettings(Section):
    """The database; every service has a schema and a role of its own, both named as the service."""

    dsn: SecretStr
    pool_size: int = Field(default=4, ge=1)


class RedisSettings(Section):
    """The cache."""

    url: SecretStr


class BlobSettings(Section):
    """Where raw documents lie: `file:///folder` or `s3://bucket/prefix`. A reference outside of it is refused."""

    url: str
    endpoint: str | None = Field(default=None, description="address of an S3-compatible server; none means AWS")


class VectorEngine(StrEnum):
    """Who keeps the vectors."""

    SERVER = "server"
    EDGE = "edge"


class VectorSettings(Section):
    """The vector store: `server` needs `url`, `edge` (in-process, one owner) needs `path`."""

    engine: VectorEngine = VectorEngine.SERVER
    url: str | None = None
    api_key: SecretStr | None = None
    path: Path | None = None
    collection: str = "chunks"
    dimensions: int = Field(default=384, ge=1, description="those of the embedding model; a collection has one length of vectors")


class EmbeddingProvider(StrEnum):
    """Who turns texts into vectors."""

    MINILM = "minilm"
    WORDLLAMA = "wordllama"
    ONNX = "onnx"
    OPENAI = "openai"
    OPENAI_COMPATIBLE = "openai-compatible"


class EmbeddingSettings(Section):
    """The embedding model. `onnx` needs `model_dir`, `openai` a key, `openai-compatible` (TEI, vLLM) an address, a model, dimensions.

    `threads` is how many texts an ONNX model embeds at once.
    """

    provider: EmbeddingProvider = EmbeddingProvider.MINILM
    model_dir: Path | None = Field(default=None, description="a sentence model: model.onnx, tokenizer.json")
    model: str = "text-embedding-3-small"
    dimensions: int = Field(default=384, ge=1, description="of the models behind an address; the others tell themselves")
    max_tokens: int | None = Field(
        default=None, ge=8, description="of `onnx` and `openai-compatible`; none means what the model says, or 256"
    )
    api_key: SecretStr | None = None
    base_url: str | None = None
    threads: int = Field(default=1, ge=1)


class RerankSettings(Section):
    """The rerankers that variants may name. An LLM reranker needs nothing here."""

    maxsim: bool = Field(default=True, description="loads MiniLM for late interaction, unless it embeds anyway")
    maxsim_cache_mb: int = Field(default=64, ge=0, description="memory for the token vectors of recent passages, about 0.1 MB each")
    model_dir: Path | None = Field(default=None, description="a cross-encoder: model.onnx, tokenizer.json")
    max_tokens: int | None = Field(default=None, ge=8, description="of the cross-encoder; none means what its tokenizer says, or 512")
    threads: int = Field(default=1, ge=1)


class LLMProvider(StrEnum):
    """Who writes answers."""

    EXTRACTIVE = "extractive"
    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    OPENAI_COMPATIBLE = "openai-compatible"


class LLMSettings(Section):
    """The language models. Without a provider: the first that is set up of Anthropic, OpenAI, a compatible server; else the extractive.

    `openai_compatible_*` is any server that speaks OpenAI's chat completions: vLLM, TGI, llama.cpp, Ollama. Times are seconds.
    """

    provider: LLMProvider | None = None
    fallback: tuple[Annotated[str, Field(pattern="^[^/]+/.+$")], ...] = Field(
        default=(), description='["provider/model", ...] asked in this order when the first does not answer'
    )
    openai_api_key: SecretStr | None = None
    openai_base_url: str | None = None
    openai_model: str = "gpt-5-mini"
    anthropic_api_key: SecretStr | None = None
    anthropic_base_url: str | None = None
    anthropic_model: str = "claude-haiku-4-5"
    openai_compatible_base_url: str | None = Field(default=None, description="with the version: http://host:port/v1")
    openai_compatible_api_key: SecretStr | None = None
    openai_compatible_model: str | None = None
    connect_timeout_s: float = Field(default=5.0, gt=0)
    first_token_timeout_s: float = Field(default=30.0, gt=0, description="the longest silence of a streamed answer")
    timeout_s: float = Field(default=60.0, gt=0, description="for the whole answer")


class HttpSettings(Section):
    """Where a service listens."""

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)


class ServiceSettings(BaseSettings):
    """What every service needs. A missing value stops the process at start with its name."""

    model_config = SettingsConfigDict(env_nested_delimiter="__", frozen=True, extra="forbid")

    kafka: KafkaSettings
    postgres: PostgresSettings
    http: HttpSettings = HttpSettings()
    log_level: str = "INFO"
    otlp_endpoint: str | None = Field(default=None, description="OTLP/HTTP collector; without one no spans are exported")
    failpoint: str | None = Field(
        default=None, pattern=PATTERN, description="for tests: where this process kills itself; see kit/failpoints.py"
    )


S = TypeVar("S", bound=ServiceSettings)


def make_settings(settings: type[S], **given: Section | Mapping[str, Any]) -> S:
    """The settings of the environment with those `given`: a section in place of the environment's, or a mapping, which adds to it.

    Raises Permanent `settings_invalid` naming each that is missing or wrong.
    """
    try:
        return settings(**given)  # type: ignore[arg-type]  # each section under its own name
    except ValidationError as error:
        prefix = settings.model_config.get("env_prefix", "")
        lines = [f"  {prefix}{'__'.join(str(part) for part in e['loc']).upper()}: {e['msg']}" for e in error.errors(include_input=False)]
        told = "these settings are missing or wrong (see .env.example):\n" + "\n".join(lines)
        raise Permanent("settings_invalid", told) from None


def read_settings(settings: type[S]) -> S:
    """The settings of the environment, or the end of the process with what is missing or wrong."""
    try:
        return make_settings(settings)
    except Permanent as error:
        raise SystemExit(error.message) from None
