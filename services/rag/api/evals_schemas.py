"""The JSON of evaluations: what may be asked for, and what is told of runs, comparisons and cases."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from contracts.base import Name
from contracts.queries import NamedVersion
from services.rag.api.schemas import Request
from services.rag.variants import DEFAULT

_LARGEST_INT = 2**31 - 1


class EvalRequest(Request):
    """Is `candidate` better than a baseline on `dataset`?

    The baseline is a variant, an earlier run, or a run that was exported (the JSON of /evals/{id}/record); without one the candidate is
    only measured. With `candidate_run` nothing is asked for the candidate. Variants are a name, name@label or name@version.
    """

    dataset: Name = Field(description="a name from /datasets, or `hf:name[#config:split]`")
    candidate: Name = DEFAULT
    candidate_run: UUID | None = None
    baseline: Name | None = None
    baseline_run: UUID | None = None
    baseline_record: dict[str, Any] | None = Field(default=None, description="an exported run, at most 20 MB")
    gate: Name | None = Field(default=None, description="a gate that the evaluator knows; without one there are figures and no verdict")
    experiment: Name | None = None
    hypothesis: str | None = Field(default=None, max_length=2_000)
    repeats: int = Field(default=1, ge=1, le=20, description="how often each case is asked")
    seed: int = Field(default=0, ge=0, le=_LARGEST_INT)
    max_cases: int | None = Field(default=None, ge=1, le=_LARGEST_INT)
    budget_usd: float | None = Field(default=None, ge=0, allow_inf_nan=False, description="what the calls of each run may cost")

    @model_validator(mode="after")
    def _has_one_of_each(self) -> Self:
        given = [name for name in ("baseline", "baseline_run", "baseline_record") if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"give one baseline, not {' and '.join(given)}")
        if self.candidate_run is not None and "candidate" in self.model_fields_set:
            raise ValueError("give candidate or candidate_run, not both: a run knows its variant")
        return self


class CancelRequest(Request):
    """Why nobody wants it any more."""

    reason: str | None = Field(default=None, max_length=2_000)


class EvalTold(BaseModel):
    """What was asked for is under way; `status_url` says how far."""

    eval_id: UUID
    status: str
    status_url: str


class _Open(BaseModel):
    """What evaluator says besides is passed on."""

    model_config = ConfigDict(extra="allow")


class Interval(_Open):
    """A value with its 95 % interval."""

    value: float | None
    low: float | None = None
    high: float | None = None


class MetricValue(Interval):
    """A metric of a run: over `n` cases in `clusters`; `unscored` cases have no score."""

    metric: str
    n: int = 0
    clusters: int = 0
    unscored: int = 0


class PromptHash(_Open):
    """A prompt's version, and the hash of what it says."""

    name: str
    version: str
    sha256: str


class RunRecord(_Open):
    """A run: which variant was measured on what, with which models, and what it cost. `errors` questions got no answer."""

    run_id: UUID
    origin: str = Field(description="measured, or recorded elsewhere")
    variant: NamedVersion
    sha256: str
    prompt: PromptHash | None = None
    index_generation: str | None = None
    models: list[str] = []
    dataset: str
    fingerprint: str
    cases: int
    documents: int | None = Field(default=None, description="that its cases rest on and that could be searched: all, or null if not known")
    errors: int = 0
    repeats: int = 1
    seed: int = 0
    code_version: str | None = None
    settings: dict[str, Any] = {}
    cost_usd: float | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    metrics: list[MetricValue] = []


class ComparedMetric(_Open):
    """A metric of both runs on a slice of the cases; with a `rule` of the gate it has a `verdict` of its own."""

    metric: str
    slice: str
    n: int
    clusters: int | None = None
    higher_is_better: bool
    candidate: Interval | None = None
    baseline: Interval | None = None
    difference: Interval | None = None
    p_value: float | None = None
    p_adjusted: float | None = None
    mde: float | None = Field(default=None, description="the smallest difference that so many cases show four times out of five")
    rule: str | None = None
    margin: float | None = None
    verdict: str | None = None
    reason: str | None = None


class Comparison(_Open):
    """What the figures say. `verdict` is PASS, FAIL or INCONCLUSIVE; null without a gate."""

    gate: str | None = None
    gate_sha256: str | None = None
    alpha: float | None = None
    verdict: str | None = None
    reason: str | None = None
    primary: str | None = None
    metrics: list[ComparedMetric] = []
    cases: dict[str, int] = Field(default_factory=dict, description="how many cases are fixed, broken, changed, the same")


class Progress(BaseModel):
    """How many questions are asked, of how many; `failed` of them got no answer. `total` is 0 until it is planned."""

    done: int
    total: int
    failed: int


class EvalProblem(BaseModel):
    """Why an evaluation failed."""

    code: str
    message: str


class EvalInfo(BaseModel):
    """An evaluation. `status`: requested, running, completed, failed, cancelled; `verdict`: PASS, FAIL, INCONCLUSIVE."""

    eval_id: UUID
    status: str
    dataset: str
    fingerprint: str | None
    candidate_variant: str | None
    baseline_variant: str | None
    candidate_run: UUID | None
    baseline_run: UUID | None
    gate: str | None
    experiment: str | None
    hypothesis: str | None
    verdict: str | None
    reason: str | None
    progress: Progress
    error: EvalProblem | None
    requested_at: datetime
    completed_at: datetime | None


class EvalDetail(EvalInfo):
    """An evaluation with its runs, its comparison, and the receipts that a protected label asks for."""

    seed: int | None
    repeats: int | None
    max_cases: int | None
    budget_usd: float | None
    candidate: RunRecord | None
    baseline: RunRecord | None
    comparison: Comparison | None
    receipts: list[dict[str, Any]] = Field(description="`{kind, name, version, sha256, signed}` each")


class EvalList(BaseModel):
    """Evaluations, newest first; `next` is the `after` of the next page, null on the last."""

    evals: list[EvalInfo]
    next: UUID | None


class CaseSide(BaseModel):
    """What one run answered: whole as it was scored, or the `error` that it got instead. `score` is the mean of all repeats."""

    score: float | None
    text: str | None
    abstained: bool | None
    answer: dict[str, Any] | None
    scores: dict[str, Any]
    error: str | None


class CaseInfo(BaseModel):
    """A case in both runs. `change`: fixed, broken, changed (another text, the same score), same; null without a baseline."""

    ordinal: int
    case_id: str
    question: str
    answerable: bool
    answers: list[str]
    metadata: dict[str, str]
    cluster: str | None
    change: str | None
    candidate: CaseSide
    baseline: CaseSide | None


class CaseList(BaseModel):
    """Cases in the dataset's order, by the score `metric`; `next` is the `after` of the next page, null on the last."""

    metric: str
    cases: list[CaseInfo]
    next: int | None


class RecordedRun(BaseModel):
    """A run to take elsewhere, or to keep beside the code: its record, and the answer and scores of each case."""

    format: str
    run: RunRecord
    cases: list[dict[str, Any]]


class Board(BaseModel):
    """The runs on one content of a dataset in their order; those `tied_for_first` cannot be told apart."""

    dataset: str
    fingerprint: str
    updated_at: datetime
    metric: str
    entries: list[dict[str, Any]]


class BoardList(BaseModel):
    """Leaderboards, the one that changed last first."""

    boards: list[Board]


class Experiment(BaseModel):
    """Evaluations that belong together, by their verdicts, with the newest hypothesis."""

    name: str
    evaluations: int
    passed: int
    failed: int
    inconclusive: int
    datasets: list[str]
    hypothesis: str | None
    first_at: datetime
    last_at: datetime


class ExperimentList(BaseModel):
    """Experiments, the most recent first."""

    experiments: list[Experiment]


Change = Annotated[str, Field(pattern="^(fixed|broken|changed|same|all)$")]
