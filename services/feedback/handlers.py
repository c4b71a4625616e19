"""Which verb takes which event."""

from collections.abc import Mapping

from contracts.base import Event
from contracts.feedback import FeedbackReceivedV1
from contracts.queries import QueryAnsweredV1
from contracts.topics import FEEDBACK_RECEIVED, QUERIES_ANSWERED, Topic
from kit.delivery import Handler
from services.feedback.rate import Rate


def handlers(rate: Rate) -> Mapping[Topic, Mapping[type[Event], Handler]]:
    """The topics this service reads."""
    return {FEEDBACK_RECEIVED: {FeedbackReceivedV1: rate.received}, QUERIES_ANSWERED: {QueryAnsweredV1: rate.answered}}
