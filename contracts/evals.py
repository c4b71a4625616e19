"""Facts about evaluations: requested."""

from typing import ClassVar
from uuid import UUID

from pydantic import Field

from contracts.base import Event, Name


class EvalRequestedV1(Event):
    """Somebody asks whether `candidate` is better than `baseline` on `dataset`; without a baseline the candidate is only measured."""

    TYPE: ClassVar[str] = "workbench.eval.requested.v1"
    KEY: ClassVar[str] = "eval_id"

    eval_id: UUID
    dataset: Name
    candidate: Name
    baseline: Name | None = None
    seed: int = Field(default=0, ge=0)
    max_cases: int | None = Field(default=None, ge=1)
