"""A run on paper: what was measured and how, and the score of each case. It travels between workbenches as `workbench.run.v1` JSON."""

from collections.abc import Iterable
from statistics import fmean
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from contracts.base import Sha256
from contracts.queries import NamedVersion
from kit.errors import Permanent
from services.evaluator.scored import Scored

FORMAT: Final = "workbench.run.v1"
MEASURED, RECORDED = "measured", "recorded"
_TOLD = 3
_ACTIVE = "current"

Finite = Annotated[float, Field(allow_inf_nan=False)]


class _Open(BaseModel):
    """What a newer writer adds is left out."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class PromptVersion(_Open):
    """The prompt that a variant used, under the hash of what it says."""

    name: str
    version: str
    sha256: Sha256


class MetricFigure(_Open):
    """A metric of a run: its value with the interval, of how many cases in how many clusters; `unscored` cases have no score."""

    metric: str
    value: Finite | None
    low: Finite | None = None
    high: Finite | None = None
    n: int = Field(default=0, ge=0)
    clusters: int = Field(default=0, ge=0)
    unscored: int = Field(default=0, ge=0)


class RunRecord(_Open):
    """What a run was: a variant and its prompt by the hashes of what they say, the dataset by its fingerprint, and what it took.

    `origin` is `measured` here, or `recorded` elsewhere; `errors` counts the questions that got no answer. So many `documents` that its
    cases rest on could be searched, which was all of them; None if nobody knew.
    """

    run_id: UUID
    eval_id: UUID | None = None
    origin: str = MEASURED
    variant: NamedVersion
    sha256: Sha256
    prompt: PromptVersion | None = None
    index_generation: str | None = None
    models: tuple[str, ...] = ()
    dataset: str = Field(min_length=1)
    fingerprint: Sha256
    cases: int = Field(ge=0)
    documents: int | None = Field(default=None, ge=0)
    errors: int = Field(default=0, ge=0)
    repeats: int = Field(default=1, ge=1)
    seed: int = 0
    code_version: str | None = None
    settings: dict[str, Any] = Field(default_factory=dict)
    cost_usd: Finite | None = None
    input_tokens: int = Field(default=0, ge=0)
    output_tokens: int = Field(default=0, ge=0)
    metrics: tuple[MetricFigure, ...] = ()

    @property
    def named_generation(self) -> str | None:
        """The index generation that the variant names; None if it is whichever is active."""
        named = self.settings.get("index_generation", _ACTIVE)
        return None if named == _ACTIVE else str(named)

    @property
    def reference(self) -> str:
        """`name@version` of the variant."""
        return f"{self.variant.name}@{self.variant.version}"


class CaseRecord(_Open):
    """The answer to a case and what it was worth: a score is None where the case is unscored. Without an answer there is an `error`."""

    case_id: str = Field(min_length=1, max_length=200)
    cluster: str | None = None
    answerable: bool
    metadata: dict[str, str] = Field(default_factory=dict)
    repeat: int = Field(default=0, ge=0)
    text: str = ""
    scores: dict[str, Finite | None]
    error: str | None = None


class RecordedRun(_Open):
    """The whole of it."""

    format: Literal["workbench.run.v1"] = FORMAT
    run: RunRecord
    cases: tuple[CaseRecord, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _tells_each_case_once(self) -> "RecordedRun":
        seen: set[tuple[str, int]] = set()
        for case in self.cases:
            if (case.case_id, case.repeat) in seen:
                raise ValueError(f"the case {case.case_id!r} stands there twice (repeat {case.repeat})")
            seen.add((case.case_id, case.repeat))
        return self


def parsed(data: bytes) -> RecordedRun:
    """Reads an exported run, which from here on is `recorded`. Raises Permanent `record_invalid` with the first faults."""
    try:
        record = RecordedRun.model_validate_json(data)
    except ValidationError as error:
        raise Permanent("record_invalid", f"this is no recorded run: {_faults(error)}; export one with `workbench eval record`") from error
    return record.model_copy(update={"run": record.run.model_copy(update={"origin": RECORDED})})


def _faults(error: ValidationError) -> str:
    faults = error.errors(include_input=False, include_url=False)
    told = "; ".join(f"{'.'.join(str(part) for part in fault['loc']) or 'it'}: {fault['msg']}" for fault in faults[:_TOLD])
    return told + (f"; and {len(faults) - _TOLD} more" if len(faults) > _TOLD else "")


def scored(cases: Iterable[CaseRecord]) -> tuple[Scored, ...]:
    """Each case once, as statistics see it: the mean of its scores over those repeats that have them. It is an error if all repeats are."""
    together: dict[str, list[CaseRecord]] = {}
    for case in cases:
        together.setdefault(case.case_id, []).append(case)
    return tuple(_mean(sorted(repeats, key=lambda case: case.repeat)) for repeats in together.values())


def _mean(repeats: list[CaseRecord]) -> Scored:
    first, names = repeats[0], dict.fromkeys(name for case in repeats for name in case.scores)
    values = {name: [score for case in repeats if (score := case.scores.get(name)) is not None] for name in names}
    return Scored(
        case_id=first.case_id,
        scores={name: fmean(found) if found else None for name, found in values.items()},
        text=first.text,
        answerable=first.answerable,
        cluster=first.cluster,
        metadata=first.metadata,
        error=all(case.error is not None for case in repeats),
        failed=fmean(case.error is not None for case in repeats),
    )
