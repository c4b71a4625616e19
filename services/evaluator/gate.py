"""Gates: what a comparison must show, written down as YAML before anybody looks at it."""

import json
from collections.abc import Mapping
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from contracts.base import Name, Sha256
from kit.errors import Permanent

ALL = "all"


class Kind(StrEnum):
    """What a rule asks: of the difference to the baseline, or of the candidate alone."""

    NO_WORSE = "no_worse"
    BETTER = "better"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"

    @property
    def compares(self) -> bool:
        """Whether it needs a baseline."""
        return self in (Kind.NO_WORSE, Kind.BETTER)


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Rule(_Said):
    """One thing that a gate asks of a metric, over all cases and over each of the `slices`.

    `margin`: how much worse is still as good (no_worse), or by how much it must be better (better); `bound`: of at_least and at_most. Both
    in the metric's unit. A slice is `key=value` of the cases' metadata, or `key` for every value there is. Slices have few cases, which
    cannot show as much: `slice_margin` is theirs, if it is not to be the margin.
    """

    metric: Name
    rule: Kind
    margin: float | None = Field(default=None, ge=0)
    bound: float | None = None
    slices: tuple[Name, ...] = ()
    slice_margin: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _asks_one_thing(self) -> "Rule":
        given, other = (self.margin, self.bound) if self.rule.compares else (self.bound, self.margin)
        names = ("margin", "bound") if self.rule.compares else ("bound", "margin")
        if given is None or other is not None:
            raise ValueError(f"{self.metric}: {self.rule} takes a {names[0]} and no {names[1]}")
        if self.rule is Kind.NO_WORSE and not self.margin:
            raise ValueError(f"{self.metric}: no_worse needs a margin above 0; with 0 only a better candidate could pass: then say better")
        if self.slice_margin is not None and not (self.slices and self.rule.compares):
            raise ValueError(f"{self.metric}: slice_margin is for slices of a rule that takes a margin")
        if ALL in self.slices:
            raise ValueError(f"{self.metric}: a rule is always asked of all cases; leave the slice `{ALL}` out")
        return self

    @property
    def limit(self) -> float:
        """The margin or the bound."""
        found = self.margin if self.rule.compares else self.bound
        assert found is not None  # noqa: S101 - `_asks_one_thing`
        return found

    @property
    def of_slices(self) -> "Rule":
        """What is asked of each slice."""
        return self if self.slice_margin is None else self.model_copy(update={"margin": self.slice_margin})


class Gate(_Said):
    """The rules that turn a comparison into a verdict.

    `alpha`: how often chance alone may make it FAIL; `power`: how often a minimum detectable effect is found. A slice counts from
    `min_slice_cases` on. More than `max_errors` of the candidate's questions without an answer make it FAIL; if so many of the baseline's
    have none, or one run lacks so many of the other's cases, a gate that compares cannot pass. Where more than `max_unscored` of the
    baseline's scores have no counterpart, a rule cannot pass. A repeat without an answer is a part of a question.
    """

    name: Name
    description: Annotated[str, Field(min_length=1, max_length=2_000)]
    datasets: tuple[Name, ...] = Field(default=(), description="the datasets it is for; none: any")
    fingerprint: Sha256 | None = None
    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    power: float = Field(default=0.8, gt=0.5, lt=1)
    min_cases: int = Field(default=30, ge=2)
    min_slice_cases: int = Field(default=10, ge=2)
    max_errors: float = Field(default=0.01, ge=0, lt=1)
    max_unscored: float = Field(default=0.1, ge=0, lt=1)
    primary: Name = "correct"
    expires_days: int = Field(default=30, ge=1, description="how long a receipt of a verdict holds")
    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _asks_each_thing_once(self) -> "Gate":
        asked = [(rule.metric, rule.rule) for rule in self.rules]
        twice = next((pair for pair in asked if asked.count(pair) > 1), None)
        if twice:
            raise ValueError(f"{twice[0]}: two rules say {twice[1]}; keep one, with the slices of both")
        return self

    @property
    def compares(self) -> bool:
        """Whether a rule of it needs a baseline."""
        return any(rule.rule.compares for rule in self.rules)

    @property
    def sha256(self) -> str:
        """The hash of what it says, however it was written down."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return sha256(text.encode()).hexdigest()

    def why_not(self, dataset: str, fingerprint: str) -> str | None:
        """Why it says nothing about that dataset, in one sentence; None if it does."""
        if self.datasets and dataset not in self.datasets:
            return f"the gate {self.name} is for {', '.join(self.datasets)}, not for {dataset}"
        if self.fingerprint and fingerprint != self.fingerprint:
            return f"the gate {self.name} is for {dataset} with the fingerprint {self.fingerprint[:12]}…, not {fingerprint[:12]}…"
        return None


def load_gates(folder: Path) -> Mapping[str, Gate]:
    """The gates of all `*.yaml` files of a folder, by name. Raises Permanent `gate_invalid`, which names the file and the field."""
    return {gate.name: gate for gate in map(_read, sorted(folder.glob("*.yaml")))}


def _read(path: Path) -> Gate:
    try:
        gate = Gate.model_validate(_parsed(path))
    except ValidationError as error:
        said = "; ".join(f"{_field(each['loc'])}{each['msg'].removeprefix('Value error, ')}" for each in error.errors())
        raise Permanent("gate_invalid", f"{path}: {said}") from error
    if gate.name != path.stem:
        raise Permanent("gate_invalid", f"{path}: name: it is {gate.name!r}; a gate is named as its file, {path.stem!r}")
    return gate


def _parsed(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Permanent("gate_invalid", f"{path} cannot be read as YAML: {error}") from error


def _field(places: tuple[int | str, ...]) -> str:
    return "".join(f"[{place}]" if isinstance(place, int) else f".{place}" for place in places).removeprefix(".") + ": " if places else ""
