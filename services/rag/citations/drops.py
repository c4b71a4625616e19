"""Why a citation that a model wrote is not sent."""

from enum import StrEnum


class Drop(StrEnum):
    """The label of the metric that counts them."""

    NO_SUCH_PASSAGE = "no_such_passage"
    TOO_SHORT = "too_short"
    NOT_IN_PASSAGE = "not_in_passage"
    NOT_STORED = "not_stored"
    UNFINISHED = "unfinished"
