"""Prompts and variants from files: one YAML file a version, and a folder of them for a workbench that has none."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kit.errors import Permanent
from workbench.client import Client, Json

REASON = "seed"


class Kind(StrEnum):
    """What a file describes; the first is registered first, since the second names it."""

    PROMPT = "prompt"
    VARIANT = "variant"

    @property
    def path(self) -> str:
        """Where it is registered."""
        return f"{self.value}s"


class VersionFile(BaseModel):
    """A prompt has `template` and `variables`, a variant its `definition`, checked by the service; `labels` are for seeds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Kind
    name: str
    message: str
    author: str | None = None
    labels: tuple[str, ...] = ()
    template: Any = None
    variables: dict[str, Any] = Field(default_factory=dict)
    definition: dict[str, Any] = Field(default_factory=dict)

    def body(self) -> Json:
        """What is sent."""
        said = {"template", "variables"} if self.kind is Kind.PROMPT else {"definition"}
        return self.model_dump(mode="json", include={"name", "message", "author"} | said, exclude_none=True)


@dataclass(frozen=True, slots=True)
class Seeded:
    """What became of a file: the version its content has, whether that is new, and the labels that were set."""

    file: str
    kind: str
    name: str
    version: int
    created: bool
    labels: tuple[str, ...]


def read_version(path: Path) -> VersionFile:
    """Reads a file. Raises Permanent `version_file_invalid`."""
    try:
        return VersionFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValidationError) as error:
        raise Permanent("version_file_invalid", f"{path} does not describe a prompt or a variant: {error}") from error


def read_folder(folder: Path) -> dict[str, VersionFile]:
    """Reads all files by their names: prompts first, in the order of the alphabet. Raises Permanent `version_file_invalid`."""
    files = {path.name: read_version(path) for path in sorted(folder.glob("*.yaml"))}
    if not files:
        raise Permanent("version_file_invalid", f"{folder} has no .yaml files")
    return dict(sorted(files.items(), key=lambda item: list(Kind).index(item[1].kind)))


async def seed(client: Client, files: Mapping[str, VersionFile]) -> AsyncIterator[Seeded]:
    """Registers versions in this order, and sets labels that point nowhere yet. Again, it changes nothing.

    A label that somebody has set is never moved. Raises what the service refuses.
    """
    for name, file in files.items():
        yield await _seed(client, name, file)


async def _seed(client: Client, name: str, file: VersionFile) -> Seeded:
    registry = client.registry(file.kind.path)
    known = {entry["name"]: entry for entry in await registry.entries()}.get(file.name, {"latest": 0, "labels": {}})
    version = (await registry.register(file.body()))["version"]
    new = tuple(label for label in file.labels if label not in known["labels"])
    for label in new:
        await registry.move(file.name, label, {"version": version, "reason": REASON})
    return Seeded(name, file.kind, file.name, version, version > known["latest"], new)
