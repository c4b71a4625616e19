"""Settings of indexer, from `INDEXER_*` variables."""

from pydantic_settings import SettingsConfigDict

from kit.settings import ServiceSettings, VectorSettings


class Settings(ServiceSettings):
    """What indexer needs to run."""

    model_config = SettingsConfigDict(env_prefix="INDEXER_")

    vectors: VectorSettings
