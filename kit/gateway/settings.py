"""Settings of the gateway; times are seconds."""

from enum import StrEnum
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from kit.settings import Section


class RetrySettings(Section):
    """Tries of one model. The n-th pause is a random part of `backoff_s` x 2^(n-1), at most `longest_pause_s`."""

    attempts: int = Field(default=3, ge=1)
    backoff_s: float = Field(default=0.5, gt=0)
    longest_pause_s: float = Field(default=8.0, gt=0, description="a server that asks for a longer one is not asked again")
    deadline_s: float = Field(default=60.0, gt=0, description="so long after the first try no other begins")


class BreakerSettings(Section):
    """When a model is left alone, and for how long."""

    failures: int = Field(default=5, ge=1, description="so many failures one after another open the breaker")
    recovery_s: float = Field(default=30.0, gt=0, description="so long after that one call may try whether the model answers again")


class GateSettings(Section):
    """How many calls one provider gets at once from this process."""

    at_once: int = Field(default=32, ge=1)
    queue_timeout_s: float = Field(default=10.0, gt=0)


class CassetteMode(StrEnum):
    """What is done with the cassette."""

    OFF = "off"
    RECORD = "record"
    REPLAY = "replay"


class CassetteSettings(Section):
    """Recorded completions. The file holds answers in full: keep it where they may be read."""

    mode: CassetteMode = CassetteMode.OFF
    path: Path | None = None

    @model_validator(mode="after")
    def _has_a_file(self) -> Self:
        if self.mode is not CassetteMode.OFF and self.path is None:
            raise ValueError(f"a cassette to {self.mode} needs a path")
        return self


class GatewaySettings(Section):
    """The gateway. `kept_models` is how many models keep their pipeline, and with it the state of their breaker."""

    retries: RetrySettings = RetrySettings()
    breaker: BreakerSettings = BreakerSettings()
    gate: GateSettings = GateSettings()
    cassette: CassetteSettings = CassetteSettings()
    kept_models: int = Field(default=64, ge=1)
