"""Settings of evaluator, from `EVALUATOR_*` variables."""

from pydantic_settings import SettingsConfigDict

from kit.settings import ServiceSettings


class Settings(ServiceSettings):
    """What evaluator needs to run."""

    model_config = SettingsConfigDict(env_prefix="EVALUATOR_")
