"""Which verb takes which event."""

from collections.abc import Mapping

from contracts.base import Event
from contracts.evals import EvalCancelledV1, EvalRequestedV1, EvalShardPlannedV1
from contracts.topics import EVAL_REQUESTED, EVAL_SHARDS, Topic
from kit.delivery import Handler
from services.evaluator.plan import Plan
from services.evaluator.run import Run


def handlers(plan: Plan, run: Run) -> Mapping[Topic, Mapping[type[Event], Handler]]:
    """The topics this service reads."""
    return {
        EVAL_REQUESTED: {EvalRequestedV1: plan.requested, EvalCancelledV1: plan.cancelled},
        EVAL_SHARDS: {EvalShardPlannedV1: run.planned},
    }
