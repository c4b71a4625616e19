"""Which verb takes which event."""

from collections.abc import Mapping

from contracts.base import Event
from contracts.evals import EvalRequestedV1
from contracts.topics import EVAL_REQUESTED, Topic
from kit.delivery import Handler
from services.evaluator.request import Request


def handlers(request: Request) -> Mapping[Topic, Mapping[type[Event], Handler]]:
    """The topics this service reads."""
    return {EVAL_REQUESTED: {EvalRequestedV1: request.requested}}
