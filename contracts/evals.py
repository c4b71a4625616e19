"""Facts about evaluations: requested, cancelled, planned in shards, completed."""

from typing import ClassVar
from uuid import UUID

from pydantic import Field

from contracts.base import Event, Name, Sha256, Value
from contracts.documents import BlobRef
from contracts.queries import NamedVersion


class EvalEvent(Event):
    """A fact about one evaluation."""

    KEY: ClassVar[str] = "eval_id"

    eval_id: UUID


class EvalRequestedV1(EvalEvent):
    """Somebody asks whether `candidate` is better than `baseline` on `dataset`; without a baseline the candidate is only measured.

    `candidate` and `baseline` are variants: a name, name@version or name@label. With `candidate_run` or `baseline_run` that earlier run is
    taken as it is and nothing is asked; `baseline_record` is a run that another workbench exported.
    """

    TYPE: ClassVar[str] = "workbench.eval.requested.v1"

    dataset: Name = Field(description="a dataset's name, or `hf:name[#config:split]`")
    candidate: Name
    baseline: Name | None = None
    seed: int = Field(default=0, ge=0)
    max_cases: int | None = Field(default=None, ge=1)
    candidate_run: UUID | None = None
    baseline_run: UUID | None = None
    baseline_record: BlobRef | None = None
    gate: Name | None = Field(default=None, description="a gate that the evaluator knows; without one there are figures and no verdict")
    repeats: int = Field(default=1, ge=1, le=20, description="how often each case is asked, for models that do not always say the same")
    budget_usd: float | None = Field(default=None, ge=0, description="what the calls of each run may cost")
    experiment: Name | None = None
    hypothesis: str | None = Field(default=None, max_length=2_000)


class EvalCancelledV1(EvalEvent):
    """Somebody does not want an evaluation any more; what was measured until then is kept."""

    TYPE: ClassVar[str] = "workbench.eval.cancelled.v1"

    reason: str | None = Field(default=None, max_length=2_000)


class EvalShardPlannedV1(EvalEvent):
    """The cases `[first, last)` of a run wait to be asked and scored."""

    TYPE: ClassVar[str] = "workbench.eval.shard_planned.v1"
    KEY: ClassVar[str] = "shard_id"

    shard_id: UUID
    run_id: UUID
    first: int = Field(ge=0)
    last: int = Field(ge=1)


class EvalRun(Value):
    """A variant as it was measured, under the hash of what it says."""

    run_id: UUID
    variant: NamedVersion
    sha256: Sha256
    cases: int = Field(ge=0)
    unscored: int = Field(ge=0, description="cases whose question was not answered")


class EvalCompletedV1(EvalEvent):
    """An evaluation ended: `status` is completed, failed or cancelled. With a gate it has a `verdict`: PASS, FAIL or INCONCLUSIVE."""

    TYPE: ClassVar[str] = "workbench.eval.completed.v1"

    status: Name
    dataset: Name
    fingerprint: Sha256 | None = None
    candidate: EvalRun | None = None
    baseline: EvalRun | None = None
    gate: Name | None = None
    verdict: Name | None = None
    reason: str | None = None
