"""Why there is no score, where several scorers say the same."""

from kit.errors import Permanent
from services.evaluator.scorers.scorer import Unscored

UNANSWERABLE = Unscored("the question has no answer: see abstention")
NO_ANSWERS = Unscored("the case names no accepted answer")
NO_GOLD = Unscored("the case names no gold")
NO_SPANS = Unscored("the case names no gold span")
ABSTAINED = Unscored("it abstained, so it claims nothing")
_OF_THE_RUN = frozenset({"budget_spent", "rag_key_refused"})


def unscored(error: Permanent) -> Unscored:
    """The error as a reason. Raises it if it is none of this answer: with the budget spent or the key refused no other will be scored."""
    if error.code in _OF_THE_RUN:
        raise error
    return Unscored(error.message)
