"""Settings of feedback, from `FEEDBACK_*` variables."""

from pydantic_settings import SettingsConfigDict

from kit.settings import ServiceSettings


class Settings(ServiceSettings):
    """What feedback needs to run."""

    model_config = SettingsConfigDict(env_prefix="FEEDBACK_")
